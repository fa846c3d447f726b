#!/usr/bin/env bash
# What only a cluster shows, on whichever one kubectl's context names; .github/workflows/kind.yml runs
# it on three nodes of kind.
#
#   k8s-e2e.sh prepare|dry-run|check|report
#
# prepare installs metrics-server and the operators' kinds; dry-run asks the API server for its verdict
# on both overlays; check follows `just deploy local`; report prints what helps after a failure.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

METRICS_SERVER=v0.8.1
KEDA=2.20.2
CNPG=1.30.0
PROMETHEUS_OPERATOR=v0.93.0
GATEWAY_API=v1.6.1
EXTERNAL_SECRETS=v2.9.0

n=(--namespace bellwether)
say() { echo "k8s-e2e: $*" >&2; }
fail() { say "FAILED: $*"; exit 1; }
# within SECONDS WHAT COMMAND…: until the command succeeds.
within() {
    local end=$(($(date +%s) + $1)) what=$2
    shift 2
    until "$@"; do
        [ "$(date +%s)" -lt "$end" ] || fail "waited without success for $what"
        sleep 2
    done
}

prepare() {
    local github=https://github.com raw=https://raw.githubusercontent.com
    kubectl apply -f "$github/kubernetes-sigs/metrics-server/releases/download/$METRICS_SERVER/components.yaml"
    # kind's kubelets sign their own certificates.
    kubectl --namespace kube-system patch deployment metrics-server --type json \
        --patch '[{"op":"add","path":"/spec/template/spec/containers/0/args/-","value":"--kubelet-insecure-tls"}]'
    local file
    for file in \
        "$github/kedacore/keda/releases/download/v$KEDA/keda-$KEDA-crds.yaml" \
        "$raw/cloudnative-pg/cloudnative-pg/v$CNPG/releases/cnpg-$CNPG.yaml" \
        "$github/prometheus-operator/prometheus-operator/releases/download/$PROMETHEUS_OPERATOR/stripped-down-crds.yaml" \
        "$github/kubernetes-sigs/gateway-api/releases/download/$GATEWAY_API/standard-install.yaml" \
        "$raw/external-secrets/external-secrets/$EXTERNAL_SECRETS/deploy/crds/bundle.yaml"; do
        kubectl apply --server-side -f "$file"
    done
    kubectl --namespace kube-system rollout status deployment/metrics-server --timeout 180s
    kubectl --namespace cnpg-system rollout status deployment --timeout 180s
}

dry_run() {
    local work said overlay
    work=$(mktemp -d)
    cp -r k8s "$work/"
    [ -e "$work/k8s/overlays/local/secrets" ] ||
        cp -r "$work/k8s/overlays/local/secrets.example" "$work/k8s/overlays/local/secrets"
    # A namespace must exist before its content can be read.
    kubectl apply -f k8s/base/namespace.yaml
    for overlay in local production; do
        said=$(kubectl kustomize "$work/k8s/overlays/$overlay" |
            kubectl apply --dry-run=server --validate=strict -f - 2>&1) || fail "$overlay: $said"
        if grep '^Warning:' <<<"$said"; then fail "$overlay: the API server warns"; fi
        say "$overlay: $(grep -c 'dry run' <<<"$said") objects pass"
    done
    rm -rf "$work"
}

replicas() { kubectl "${n[@]}" get deployment analyzer -o 'jsonpath={.spec.replicas}'; }
has_replicas() { [ "$(replicas)" -ge "$1" ]; }
measured() { kubectl "${n[@]}" get hpa analyzer -o 'jsonpath={.status.currentMetrics[0].resource.current.averageUtilization}' | grep -q '[0-9]'; }
# How unevenly the pods of a Deployment lie on the nodes that take pods.
skew() {
    local nodes
    nodes=$(kubectl get nodes -l '!node-role.kubernetes.io/control-plane' -o 'jsonpath={.items[*].metadata.name}')
    kubectl "${n[@]}" get pods -l "app.kubernetes.io/name=$1" --field-selector status.phase=Running \
        -o 'jsonpath={range .items[*]}{.spec.nodeName}{"\n"}{end}' |
        awk -v nodes="$nodes" 'BEGIN { k = split(nodes, a, " "); for (i = 1; i <= k; i++) c[a[i]] = 0 }
            NF { c[$1]++ } END { for (i = 1; i <= k; i++) { v = c[a[i]]; if (i == 1 || v < least) least = v; if (v > most) most = v }; print most - least }'
}
evict() {
    kubectl create --raw "/api/v1/namespaces/bellwether/pods/$1/eviction" -f - <<JSON
{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"$1","namespace":"bellwether"}}
JSON
}

check() {
    local pods said before
    # 4. The namespace admits restricted pods only.
    if said=$(kubectl "${n[@]}" run bad --image=nginx 2>&1); then fail "a pod that may run as root was admitted"; fi
    grep -q 'violates PodSecurity' <<<"$said" || fail "refused for another reason: $said"
    say "a pod that may run as root is forbidden"

    # 19. Two pods lie on two nodes.
    for name in api frontend; do
        [ "$(skew "$name")" -le 1 ] || fail "the pods of $name lie on one node"
    done
    say "the pods of api and frontend lie on different nodes"

    # 18. One at a time.
    kubectl "${n[@]}" rollout status deployment/api --timeout 120s
    read -r -a pods <<<"$(kubectl "${n[@]}" get pods -l app.kubernetes.io/name=api -o 'jsonpath={.items[*].metadata.name}')"
    evict "${pods[0]}" >/dev/null
    if said=$(evict "${pods[1]}" 2>&1); then fail "two pods of api were evicted at once"; fi
    grep -q 'disruption budget' <<<"$said" || fail "refused for another reason: $said"
    kubectl "${n[@]}" rollout status deployment/api --timeout 120s
    say "a second eviction waits for the first"

    # The CronJob's work, now.
    kubectl "${n[@]}" delete job e2e --ignore-not-found
    kubectl "${n[@]}" create job e2e --from=cronjob/scrape-batch
    kubectl "${n[@]}" wait --for=condition=complete job/e2e --timeout 300s
    say "the CronJob's Job completes"

    # 9. Another apply leaves the autoscaler's number alone.
    within 300 "figures of the autoscaler" measured
    kubectl "${n[@]}" scale deployment/analyzer --replicas 4
    within 60 "four analyzers" has_replicas 4
    ./justw deploy local
    before=$(replicas)
    [ "$before" -ge 3 ] || fail "a second deployment put the analyzers back to $before"
    say "a second deployment left $before analyzers"

    # Who may not reach whom; kind's network knows policies from v0.24 on.
    # That it reaches the API shows that the question itself can be asked.
    kubectl "${n[@]}" exec deployment/frontend -- sh -c 'nc -z -w 3 api-service 3000' ||
        fail "frontend does not reach api"
    if kubectl "${n[@]}" exec deployment/frontend -- sh -c 'nc -z -w 3 postgres-service 5432' 2>/dev/null; then
        fail "frontend reaches the database"
    fi
    say "frontend reaches api and not the database"
}

report() {
    kubectl "${n[@]}" get pods,jobs,hpa -o wide || :
    kubectl "${n[@]}" get events --sort-by=.metadata.creationTimestamp | tail -n 60 || :
    local pod
    for pod in $(kubectl "${n[@]}" get pods -o name); do
        echo "--- $pod"
        kubectl "${n[@]}" logs "$pod" --all-containers --tail 40 || :
    done
}

case ${1:-} in
prepare) prepare ;;
dry-run) dry_run ;;
check) check ;;
report) report ;;
*) sed -n 's/^#   /usage: /p' "$0" | head -n 1 >&2; exit 2 ;;
esac
