#!/usr/bin/env bash
# What runs in the cluster, and what is not well.
#
#   status.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/k8s-lib.sh
[ $# = 0 ] || usage
need_kubectl
context=$(kubectl config current-context 2>/dev/null) || context=
[ -n "$context" ] || fail "kubectl has no current context"
kubectl get namespace "$NS" >/dev/null 2>&1 || fail "$context has no namespace $NS, or does not answer: \`just deploy\` makes it"

kubectl -n "$NS" get deployments,statefulsets,horizontalpodautoscalers,cronjobs,jobs,pods,persistentvolumeclaims,services
echo
# A pod whose containers wait, or came back too often, with the reason that the cluster gives.
kubectl -n "$NS" get pods -o 'jsonpath={range .items[*]}{.metadata.name}{"\t"}{.status.phase}{"\t"}{range .status.containerStatuses[*]}{.ready}:{.restartCount}:{.state.waiting.reason} {end}{"\n"}{end}' |
    awk -F '\t' '
        $2 == "Succeeded" { next }
        $2 != "Running" || $3 ~ /false/ { print "not ready: " $1 " (" $2 ") " $3; bad++ }
        END { if (!bad) print "every pod is ready"; exit bad > 0 }'
