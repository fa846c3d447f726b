#!/usr/bin/env bash
# Takes an overlay out of the cluster. The data stays, and the secrets and the namespace around it.
#
#   undeploy.sh [local|production] [--data]
#
# --data removes those too, for good.
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
secrets=$work/k8s/overlays/$overlay/secrets.env
[ -e "$secrets" ] || [ ! -e "$secrets.example" ] || cp "$secrets.example" "$secrets"
kubectl kustomize "$work/k8s/overlays/$overlay" >"$work/all.yaml" || fail "k8s/overlays/$overlay could not be rendered"
split "$work/all.yaml" "$work"

# Who asks first and who answers last; accounts, settings and policies stay until nobody runs.
remove() {
    [ -s "$work/$1.yaml" ] || return 0
    say "removing $2"
    kubectl delete -f "$work/$1.yaml" --ignore-not-found --wait=true >/dev/null || fail "$2 could not be removed"
}
remove apps "the services"
remove migrate "the migration"
# An operator removes the volumes with its Cluster; a StatefulSet leaves its own.
if [ -z "$(names Cluster "$work/postgres.yaml")" ]; then
    remove postgres "PostgreSQL"
    say "the volume is kept: kubectl -n $NS get pvc; \`just undeploy $overlay --data\` removes it"
else
    say "the PostgreSQL cluster is kept, with its volumes: \`just undeploy $overlay --data\` removes them"
fi
