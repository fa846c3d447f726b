#!/bin/sh
# A deployment without a cluster: `k8s-rehearse.sh [--short]`. First the order of `just deploy`, by a
# kubectl that only writes down what it is asked; then the real binary, as many processes as there
# are pods, with the arguments and the environment of the rendered manifests. --short is the second
# part alone, with the database away for seconds instead of a minute. BUILT=1 says that everything is
# built already.
set -eu
cd "$(dirname "$0")/.."
short=
[ "${1:-}" != --short ] || short=--short
tools=$PWD/.tools/k8s
left=$(scripts/k8s-tools.sh)
[ -x "$tools/bin/kubectl" ] || {
    echo "k8s-rehearse: $left" >&2
    [ -z "${K8S_COMPLETE:-}" ]
    exit
}
scripts/web.sh deps ../k8s/tests
K8S_KUBECTL=$tools/bin/kubectl
K8S_NGINX=$tools/root/usr/sbin/nginx
"$K8S_NGINX" -v 2>/dev/null || K8S_NGINX=
export K8S_KUBECTL K8S_NGINX

# `just k8s-check` holds the order as well, so the short form leaves it to that.
if [ -z "$short" ]; then
    out=$(mktemp "${TMPDIR:-/tmp}/bellwether-rehearse-XXXXXX")
    trap 'rm -f "$out"' EXIT
    node --test --test-reporter=tap k8s/tests/deploy.test.mjs >"$out" 2>&1 || {
        awk '/^ *not ok/ { on = 1 } on { print } /^ *\.\.\.$/ { on = 0 } /^ *ok/ { on = 0 }' "$out" >&2
        echo "k8s-rehearse: FAILED: the order of \`just deploy\`" >&2
        exit 1
    }
    echo "k8s-rehearse: the order of \`just deploy\`: $(sed -n 's/^# pass //p' "$out") hold"
fi

target=${CARGO_TARGET_DIR:-target}
[ -n "${BUILT:-}" ] ||
    cargo build --quiet --locked --package bellwether-cli --package bellwether-testing --bin bellwether --bin scratch-postgres
BELLWETHER=${BELLWETHER:-$target/debug/bellwether}
case $BELLWETHER in /*) ;; *) BELLWETHER=$PWD/$BELLWETHER ;; esac
export BELLWETHER
# shellcheck disable=SC2086 # one word or none
"$target/debug/scratch-postgres" node k8s/tests/rehearsal/main.mjs $short
