#!/usr/bin/env bash
# Brings an overlay of k8s/ into the cluster of kubectl's current context, step by step, and stops
# at the first that fails.
#
#   deploy.sh [local|production] [--no-build] [--any-context]
#
# `local` needs the files of k8s/overlays/local/secrets; it builds the images and loads them where the
# cluster has a store of its own (kind, minikube, k3d) unless --no-build says that they are there,
# and goes to a cluster of this machine only unless --any-context is said. BELLWETHER_DEPLOY_TIMEOUT
# is how many seconds each step may take (300). A second run changes nothing but the migration's
# Job, which is run again and finds nothing to do. Secrets and settings of an earlier deployment are
# removed once every pod of this one is ready.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/k8s-lib.sh
. scripts/k8s-unwell.sh

build=1 any='' overlay=''
while [ $# -gt 0 ]; do
    case $1 in
    --no-build) build='' ;;
    --any-context) any=1 ;;
    -*) usage ;;
    *)
        [ -z "$overlay" ] || usage
        overlay=$1
        ;;
    esac
    shift
done
overlay=${overlay:-local}
patience=${BELLWETHER_DEPLOY_TIMEOUT:-300}

need_overlay "$overlay"
need_kubectl
need_context
kind=$(cluster_of "$context")
if [ "$overlay" = local ] && [ "$kind" = elsewhere ] && [ -z "$any" ]; then
    fail "the context $context is no cluster of this machine: choose one with \`kubectl config use-context\`, or say --any-context if it is meant"
fi
need_secrets "$overlay"
need_cluster "$context"

# --- The images: built here, and named by their content, so that a change is a rollout ---
images=
if [ "$overlay" = local ] && [ -n "$build" ]; then
    say "building the images"
    images=$(scripts/images.sh --by-content --no-sbom) || fail "the images could not be built: see above"
    for image in $images; do load_image "$kind" "$context" "$image"; done
fi

# --- Rendered once: the applied documents are those that were checked ---
work=$(mktemp -d "${TMPDIR:-/tmp}/bellwether-deploy-XXXXXX")
trap 'rm -rf "$work"' EXIT
render "$overlay" "$images" >"$work/all.yaml"
check_site "$overlay" "$work/all.yaml"
check_providers "$overlay" "$work/all.yaml"
split "$work/all.yaml" "$work"

# apply STEP WHAT [OPTION…]: one file; a warning that pods will be refused is an error now, not a pod
# that never comes.
apply() {
    [ -s "$work/$1.yaml" ] || return 0
    say "applying $2"
    kubectl apply "${@:3}" -f "$work/$1.yaml" 2>"$work/said" || {
        cat "$work/said" >&2
        fail "$2 could not be applied to $context: see above"
    }
    cat "$work/said" >&2
    if grep -q 'would violate PodSecurity' "$work/said"; then
        fail "$2: the namespace refuses these pods, see the warning above"
    fi
}

# prune: what an earlier deployment has generated under another name, and no Job under way still names.
prune() {
    local keep used one
    keep=$(for one in Secret ConfigMap; do names "$one" "$work/all.yaml" | sed "s|^|$one/|"; done)
    used=$(rows jobs '{{range .items}}{{if .status.active}}{{.spec.template}}{{end}}{{end}}')
    for one in $(kubectl -n "$NS" get secrets,configmaps -l app.kubernetes.io/managed-by=just-deploy \
        -o go-template='{{range .items}}{{.kind}}/{{.metadata.name}}{{"\n"}}{{end}}'); do
        ! grep -qxF "$one" <<<"$keep" && ! grep -qF "name:${one#*/}" <<<"$used" || continue
        say "removing $one, of an earlier deployment"
        kubectl -n "$NS" delete "$one" --ignore-not-found >/dev/null ||
            fail "$one could not be removed: remove it with \`kubectl -n $NS delete $one\`"
    done
}

# stuck MESSAGE: what did not become ready, after what the cluster says of it.
stuck() {
    { unwell; warnings; } | sed 's/^/  /' >&2
    fail "$1"
}

# --- Identity, settings, secrets, policies: everything that a pod finds when it starts ---
apply namespace "the namespace"
apply pre "accounts, settings and policies"
# The other way of applying would keep every value in an annotation too.
apply secrets "the secrets" --server-side --force-conflicts
for secret in $(names ExternalSecret "$work/pre.yaml"); do
    say "waiting for the secret $secret"
    kubectl -n "$NS" wait --for=condition=Ready "externalsecret/$secret" --timeout="${patience}s" >/dev/null ||
        fail "the secret $secret did not come from the store: look at \`kubectl -n $NS describe externalsecret $secret\`"
done

# --- The database ---
apply postgres "PostgreSQL"
for set in $(names StatefulSet "$work/postgres.yaml"); do
    say "waiting for PostgreSQL"
    kubectl -n "$NS" rollout status "statefulset/$set" --timeout="${patience}s" ||
        stuck "PostgreSQL did not become ready: look at \`kubectl -n $NS describe pod $set-0\` and \`kubectl -n $NS logs $set-0\`"
done
for cluster in $(names Cluster "$work/postgres.yaml"); do
    say "waiting for the PostgreSQL cluster"
    kubectl -n "$NS" wait --for=condition=Ready "clusters.postgresql.cnpg.io/$cluster" --timeout="$((patience * 3))s" ||
        stuck "the PostgreSQL cluster did not become ready: look at \`kubectl -n $NS describe clusters.postgresql.cnpg.io $cluster\`"
done
for pooler in $(names Pooler "$work/postgres.yaml"); do
    kubectl -n "$NS" rollout status "deployment/$pooler" --timeout="${patience}s" ||
        stuck "the pooler did not become ready: look at \`kubectl -n $NS describe deployment $pooler\`"
done

# --- The schema. A Job's template cannot change, so it goes first ---
kubectl -n "$NS" delete job migrate --ignore-not-found --wait=true >/dev/null ||
    fail "the last migration's Job could not be removed: look at \`kubectl -n $NS describe job migrate\`"
apply migrate "the migration"
migration_log() {
    kubectl -n "$NS" logs -l batch.kubernetes.io/job-name=migrate --all-containers --prefix --tail=20 >&2 || :
}
say "waiting for the migration"
deadline=$(($(date +%s) + patience))
until kubectl -n "$NS" wait --for=condition=complete job/migrate --timeout=5s >/dev/null 2>&1; do
    if [ "$(kubectl -n "$NS" get job migrate -o 'jsonpath={.status.conditions[?(@.type=="Failed")].status}' 2>/dev/null)" = True ]; then
        migration_log
        fail "the migration failed, and nothing after it was touched: look at \`kubectl -n $NS logs job/migrate\`"
    fi
    [ "$(date +%s)" -lt "$deadline" ] || {
        migration_log
        stuck "the migration did not end within $patience s, and nothing after it was touched: look at \`kubectl -n $NS describe job migrate\`"
    }
done

# --- The rest, and until every pod of it is ready ---
apply apps "the services"
for deployment in $(names Deployment "$work/apps.yaml"); do
    kubectl -n "$NS" rollout status "deployment/$deployment" --timeout="${patience}s" ||
        stuck "$deployment did not become ready: look at \`kubectl -n $NS describe deployment $deployment\` and \`kubectl -n $NS logs deployment/$deployment --all-containers\`"
done

prune
say "$overlay is up in $context"
where "$work/all.yaml"
