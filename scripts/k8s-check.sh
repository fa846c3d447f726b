#!/bin/sh
# What can be known of the manifests without a cluster: `k8s-check.sh [--slow]`. It says what it
# could not check here for want of a tool; with K8S_COMPLETE=1 that is a failure.
set -eu
cd "$(dirname "$0")/.."
. scripts/no-settings.sh
root=$PWD
tools=$root/.tools/k8s
work=$(mktemp -d "${TMPDIR:-/tmp}/bellwether-k8s-check-XXXXXX")
trap 'rm -rf "$work"' EXIT
slow=
[ "${1:-}" != --slow ] || slow=--slow

# Output is of interest where something is wrong, and else one line.
step() {
    what=$1
    shift
    if "$@" >"$work/out" 2>&1; then
        printf 'k8s-check: %s%s\n' "$what" "$(tail -n 1 "$work/out" | sed -n 's/^\([0-9]* hold.*\)$/: \1/p')"
    else
        printf 'k8s-check: FAILED: %s\n' "$what" >&2
        tail -n "${K8S_LINES:-80}" "$work/out" >&2
        exit 1
    fi
}
with() { [ -x "$tools/$1" ]; }
node_tests() {
    node --test --test-reporter=tap "$@" >"$work/tap" 2>&1 || {
        # Of a test that fails everything, of the others nothing.
        awk '/^ *not ok/ { on = 1 } on { print } /^ *\.\.\.$/ { on = 0 } /^ *ok/ { on = 0 }' "$work/tap"
        return 1
    }
    # A skipped test is reported by the tools below.
    echo "$(sed -n 's/^# pass //p' "$work/tap") hold, $(sed -n 's/^# skipped //p' "$work/tap") skipped"
}

scripts/k8s-tools.sh $slow >"$work/left"
scripts/web.sh deps ../k8s/tests

# The tests find the installed tools by these.
K8S_PROMTOOL=$(PATH=$tools/root/usr/bin:$PATH command -v promtool || :)
K8S_AMTOOL=$(PATH=$tools/root/usr/bin:$PATH command -v amtool || :)
K8S_NGINX=$tools/root/usr/sbin/nginx
[ -x "$K8S_NGINX" ] && "$K8S_NGINX" -v 2>/dev/null || K8S_NGINX=
[ -n "$K8S_NGINX" ] || grep -q 'nginx' "$work/left" || echo "left out: nginx, which serves the pages: a library of it is missing here" >>"$work/left"
export K8S_PROMTOOL K8S_AMTOOL K8S_NGINX

if with bin/kubectl; then
    K8S_KUBECTL=$tools/bin/kubectl
    export K8S_KUBECTL
    step "rules over both overlays, each found by what breaks it" \
        node_tests k8s/tests/policy.test.mjs k8s/tests/config.test.mjs k8s/tests/secrets.test.mjs
    step "the order of \`just deploy\` and \`just undeploy\`, by a kubectl that only writes down" node_tests k8s/tests/deploy.test.mjs k8s/tests/load.test.mjs
    step "what \`just status\` finds, by the real kubectl" node_tests k8s/tests/status.test.mjs
    step "operators' objects against their kinds" node_tests k8s/tests/schemas.test.mjs
    step "alerts, dashboards, runbooks" node_tests k8s/tests/eyes.test.mjs
    if with python/bin/kubernetes-validate; then
        node k8s/tests/render.mjs core "$work"
        for version in 1.32 1.36; do
            step "both overlays against the schemas of Kubernetes $version" \
                "$tools/python/bin/kubernetes-validate" --strict -k "$version" "$work/local.yaml" "$work/production.yaml"
        done
    fi
fi
step "what is downloaded and what is published" node_tests k8s/tests/supply.test.mjs
step "the frontend's nginx, asked by HTTP" node_tests k8s/tests/nginx.test.mjs
if with python/bin/yamllint; then
    step "YAML" "$tools/python/bin/yamllint" --strict -c k8s/tests/yamllint.yaml \
        k8s/base k8s/components k8s/overlays k8s/tests/alerts k8s/tests/reachability.yaml .github docs/runbooks
    step "Dockerfile" "$tools/python/bin/hadolint" Dockerfile
    step "shell scripts" "$tools/python/bin/shellcheck" --severity=warning justw scripts/*.sh
    step "workflows: permissions, pins, injections" \
        "$tools/python/bin/zizmor" --offline --no-progress --config k8s/tests/zizmor.yml .github/workflows
fi
step "workflows: their grammar" node k8s/tests/workflows.mjs
# The types take minutes to compile, once.
if [ -n "$slow" ] && with bin/kubectl; then
    if command -v cargo >/dev/null 2>&1; then
        export CARGO_TARGET_DIR="$tools/typed" K8S_TYPED="$tools/typed/debug/bellwether-k8s-typed"
        step "the operators' own types are compiled" cargo build --quiet --locked --manifest-path k8s/tests/typed/Cargo.toml
        step "operators' objects read into the operators' own types" node_tests k8s/tests/typed.test.mjs
    else
        echo "left out: the operators' own types: cargo is missing" >>"$work/left"
    fi
fi
if [ -n "$slow" ] && with checkov/bin/checkov && with bin/kubectl; then
    node k8s/tests/render.mjs all "$work"
    for overlay in local production; do
        step "checkov over $overlay" "$tools/checkov/bin/checkov" --config-file "k8s/tests/checkov/$overlay.yaml" \
            --framework kubernetes --file "$work/$overlay.yaml"
    done
    step "checkov over the Dockerfile" "$tools/checkov/bin/checkov" --config-file k8s/tests/checkov/dockerfile.yaml \
        --framework dockerfile --file Dockerfile
fi

if [ -s "$work/left" ]; then
    sed 's/^/k8s-check: /' "$work/left" >&2
    [ -z "${K8S_COMPLETE:-}" ] || { echo "k8s-check: nothing may be left out here" >&2; exit 1; }
fi
