#!/bin/sh
# The deployment as containers of this machine, with the users, limits and read-only roots of the
# manifests: `k8s-containers.sh`. It needs Linux, root, podman, and the images of `just images`.
# KEEP=1 leaves the containers for a look.
set -eu
cd "$(dirname "$0")/.."
fail() { echo "k8s-containers: $1" >&2; exit 1; }
[ "$(uname -s)" = Linux ] || fail "containers are looked at through /proc: Linux is needed"
[ "$(id -u)" = 0 ] || fail "root is needed: the users and limits of the manifests are set for real"
command -v podman >/dev/null || fail "podman is missing: install it, then run this again"
scripts/k8s-tools.sh >&2
scripts/web.sh deps ../k8s/tests
K8S_KUBECTL=$PWD/.tools/k8s/bin/kubectl
export K8S_KUBECTL
exec node k8s/tests/rehearsal/containers.mjs
