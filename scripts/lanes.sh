#!/bin/sh
# The lanes of `just test`: `lanes.sh` runs all of them in order and stops at the first that fails,
# `lanes.sh NAME…` runs some, `lanes.sh --list` names them. It ends with a line for each lane: its result
# and its duration.
set -eu
cd "$(dirname "$0")/.."
lanes="format rules build lint docs openapi manifests web tests plans fuzz quota rehearsal browser"

lane() {
    case $1 in
    format) cargo fmt --all --check ;;
    rules) rules ;;
    build) build ;;
    lint) scripts/with-postgres.sh scripts/lint.sh ;;
    docs) scripts/docs.sh ;;
    openapi) scripts/openapi.sh check ;;
    manifests) scripts/k8s-check.sh ;;
    web) scripts/web.sh test ;;
    tests) scripts/with-postgres.sh scripts/tests.sh ;;
    plans) scripts/plan-guard.sh ;;
    fuzz) scripts/fuzz-api.sh --short ;;
    quota) scripts/with-postgres.sh scripts/rehearse-quota.sh 30 ;;
    rehearsal) scripts/k8s-rehearse.sh --short ;;
    browser) scripts/browser-tests.sh ;;
    esac
}

# The dependency graph, and the wording of comments and docs.
rules() {
    node --test scripts/*.test.mjs >/dev/null || node --test scripts/*.test.mjs
    node scripts/rules.mjs
    node scripts/voice.mjs
    node scripts/spread.mjs
}

# Everything once, tests included, for the lanes that follow.
build() {
    scripts/web.sh build
    (. scripts/no-settings.sh && cargo build --locked --workspace --all-targets)
    export BUILT=1
}

case ${1:-} in
--list)
    echo "$lanes" | tr ' ' '\n'
    exit
    ;;
'') chosen=$lanes ;;
*)
    chosen=
    for name in "$@"; do
        case " $lanes " in
        *" $name "*) ;;
        *) echo "lanes.sh: there is no lane $name; known are $lanes" >&2 && exit 2 ;;
        esac
        # as in a run of all lanes, what is tested is built with the whole workspace
        case "$name $chosen" in
        format* | rules* | build* | docs* | manifests* | web* | *" build "*) ;;
        *) chosen="$chosen build " ;;
        esac
        chosen="$chosen $name "
    done
    ;;
esac

# duration SECONDS: for example 3m 07s
duration() { printf '%dm %02ds' $(($1 / 60)) $(($1 % 60)); }
results=$(mktemp)
name=
begun=$(date +%s)
all=$begun
summary() {
    code=$?
    trap - EXIT
    [ -z "$name" ] || echo "$name failed $(($(date +%s) - begun))" >>"$results"
    echo
    for name in $chosen; do
        # shellcheck disable=SC2046 # result and duration are words
        set -- $(grep "^$name " "$results")
        printf '%-10s %-8s %s\n' "$name" "${2:-not run}" "${3:+$(duration "$3")}"
    done
    printf '%-10s %-8s %s\n' total "$([ $code = 0 ] && echo ok || echo failed)" "$(duration $(($(date +%s) - all)))"
    rm -f "$results"
    exit $code
}
trap summary EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

for name in $chosen; do
    begun=$(date +%s)
    if [ -n "${GITHUB_ACTIONS:-}" ]; then echo "::group::$name"; else echo "lane $name"; fi
    lane "$name"
    [ -z "${GITHUB_ACTIONS:-}" ] || echo "::endgroup::"
    echo "$name ok $(($(date +%s) - begun))" >>"$results"
done
name=
