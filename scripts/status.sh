#!/usr/bin/env bash
# Shows the deployment's pods, their problems, and where to look next.
#
#   status.sh
#
# It ends with 1 when something is not well.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/k8s-lib.sh
. scripts/k8s-unwell.sh
[ $# = 0 ] || usage
need_kubectl
need_context
need_cluster "$context"
kubectl get namespace "$NS" >/dev/null 2>&1 || fail "$context has no namespace $NS: \`just deploy\` makes it"

kubectl -n "$NS" get deployments,statefulsets,horizontalpodautoscalers,cronjobs,jobs,pods,persistentvolumeclaims,services
echo
found=$(missing; unwell)
if [ -z "$found" ]; then
    echo "$context: everything is well"
    exit
fi
echo "not well:"
printf '%s\n' "$found" | sed 's/^/  /'
last=$(warnings)
if [ -n "$last" ]; then
    echo "the cluster's last warnings:"
    printf '%s\n' "$last" | sed 's/^/  /'
fi
echo "alerts and what to do about each: docs/runbooks"
exit 1
