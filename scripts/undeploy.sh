#!/usr/bin/env bash
# Takes an overlay out of the cluster. The data stays, and the secrets and the namespace around it.
#
#   undeploy.sh [local|production] [--data]
#
# --data removes those too, for good. BELLWETHER_DEPLOY_TIMEOUT is how many seconds each step may take (300).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/k8s-lib.sh

overlay='' data=''
while [ $# -gt 0 ]; do
    case $1 in
    --data) data=1 ;;
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
need_cluster "$context"

if [ -n "$data" ]; then
    say "removing the namespace $NS and all that is in it from $context"
    kubectl delete namespace "$NS" --ignore-not-found --wait=true || fail "the namespace $NS could not be removed"
    say "nothing is left in $context"
    exit
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/bellwether-undeploy-XXXXXX")
trap 'rm -rf "$work"' EXIT
# What is removed goes by its names: no secret is needed for that.
cp -R k8s "$work/k8s"
secrets=$work/k8s/overlays/$overlay/secrets
[ ! -e "$secrets.example" ] || { rm -rf "$secrets" && cp -R "$secrets.example" "$secrets"; }
kubectl kustomize "$work/k8s/overlays/$overlay" >"$work/all.yaml" || fail "k8s/overlays/$overlay could not be rendered"
split "$work/all.yaml" "$work"

# remove STEP WHAT NEXT: until the pods are gone too, so that a worker that drains still has its database.
remove() {
    [ -s "$work/$1.yaml" ] || return 0
    say "removing $2"
    kubectl delete -f "$work/$1.yaml" --ignore-not-found --cascade=foreground --wait=true --timeout="${patience}s" >/dev/null ||
        fail "$2 did not end within $patience s, and $3: look at \`kubectl -n $NS get pods\`"
}
remove apps "the services" "PostgreSQL was not touched"
remove migrate "the migration" "PostgreSQL was not touched"
# An operator removes the volumes with its Cluster; a StatefulSet leaves its own.
if [ -z "$(names Cluster "$work/postgres.yaml")" ]; then
    remove postgres "PostgreSQL" "its volume is kept"
    say "the volume is kept: kubectl -n $NS get pvc; \`just undeploy $overlay --data\` removes it"
else
    say "the PostgreSQL cluster is kept, with its volumes: \`just undeploy $overlay --data\` removes them"
fi
