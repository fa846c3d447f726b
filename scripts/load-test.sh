#!/usr/bin/env bash
# Drives analyses until the autoscaler answers, then watches it let go: how many analyzers there are,
# second by second.
#
#   load-test.sh [--for SECONDS] [--watch SECONDS] [--at-once N]
#
# --for is how long jobs are added (120), --watch how long it looks on after that (420: scaling down
# waits 300), --at-once how many requests are under way (8). The token is that of
# k8s/overlays/local/secrets/api.env, or BELLWETHER_TOKEN. No provider is called: the jobs derive signals
# from what is stored.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/k8s-lib.sh

load=120 watch=420 at_once=8
while [ $# -gt 0 ]; do
    case $1 in
    --for) load=${2:?--for needs seconds} && shift ;;
    --watch) watch=${2:?--watch needs seconds} && shift ;;
    --at-once) at_once=${2:?--at-once needs a number} && shift ;;
    *) usage ;;
    esac
    shift
done
need_kubectl
need_context
need_cluster "$context"
have curl || fail "curl is missing"
token=${BELLWETHER_TOKEN:-}
[ -n "$token" ] || token=$(sed -n 's/^BELLWETHER_API_TOKENS=//p' k8s/overlays/local/secrets/api.env 2>/dev/null |
    tr ',' '\n' | sed -n 's/^\(operator\|admin\)://p' | head -n 1)
[ -n "$token" ] || fail "no token that may add jobs: set BELLWETHER_TOKEN"

work=$(mktemp -d "${TMPDIR:-/tmp}/bellwether-load-XXXXXX")
pids=()
clean() {
    for pid in "${pids[@]:-}"; do [ -z "$pid" ] || kill "$pid" 2>/dev/null || :; done
    rm -rf "$work"
}
trap clean EXIT

kubectl -n "$NS" port-forward service/api-service :3000 >"$work/forward" 2>&1 &
pids+=($!)
port=
for _ in $(seq 50); do
    port=$(sed -n 's/^Forwarding from 127.0.0.1:\([0-9]*\).*/\1/p' "$work/forward" | head -n 1)
    [ -z "$port" ] || break
    sleep 0.2
done
[ -n "$port" ] || { cat "$work/forward" >&2; fail "the API could not be reached: \`just status\` says what is not well"; }
api=http://127.0.0.1:$port

# The token goes by a file that only this user can read, not by an argument that every user can see.
(umask 077 && printf 'header = "Authorization: Bearer %s"\nheader = "Content-Type: application/json"\nsilent\noutput = /dev/null\n' "$token" >"$work/head")
[ "$(curl -K "$work/head" -m 10 -w '%{http_code}' "$api/api/jobs?limit=1")" = 200 ] || fail "the API refuses the token, or does not answer at $api"

# A round of requests on few connections: each adds a job for every watched symbol.
for n in $(seq 250); do
    [ "$n" = 1 ] || echo next
    printf 'header = "Authorization: Bearer %s"\nheader = "Content-Type: application/json"\nsilent\noutput = /dev/null\nurl = "%s/jobs"\ndata = "{\\"kind\\":\\"derive_signal\\",\\"tags\\":[\\"load-test\\"]}"\n' "$token" "$api"
done | (umask 077 && cat >"$work/round")

drive() {
    local end=$(($(date +%s) + load))
    while [ "$(date +%s)" -lt "$end" ]; do
        curl --no-progress-meter --parallel --parallel-max "$at_once" -K "$work/round" || sleep 1
        echo >>"$work/rounds"
    done
}
: >"$work/rounds"
drive &
pids+=($!)

replicas() {
    kubectl -n "$NS" get deployment analyzer -o 'jsonpath={.status.replicas} {.status.readyReplicas}' 2>/dev/null || :
}
cpu() {
    kubectl -n "$NS" get hpa analyzer -o 'jsonpath={.status.currentMetrics[?(@.resource.name=="cpu")].resource.current.averageUtilization}' 2>/dev/null || :
}
say "adding jobs for $load s, then looking on for $watch s"
printf '%8s %9s %6s %6s %8s\n' seconds analyzers ready 'cpu %' added
begun=$(date +%s) most=0 wanted=0 last=
while :; do
    now=$(($(date +%s) - begun))
    [ "$now" -lt $((load + watch)) ] || break
    read -r have_now ready <<<"$(replicas) "
    # A pod that finds no node is no analyzer.
    [ "${ready:-0}" -le "$most" ] || most=$ready
    [ "${have_now:-0}" -le "$wanted" ] || wanted=$have_now
    line="${have_now:-0} ${ready:-0}"
    if [ "$line" != "$last" ] || [ $((now % 30)) -lt 5 ]; then
        printf '%8s %9s %6s %6s %8s\n' "$now" "${have_now:-0}" "${ready:-0}" "$(cpu)" "$(($(wc -l <"$work/rounds") * 250))"
        last=$line
    fi
    # back to where it may rest: nothing more to see
    [ "$now" -lt $((load + 60)) ] || [ "$most" -le 2 ] || [ "${have_now:-0}" -gt 2 ] || break
    sleep 5
done
[ "$most" -gt 2 ] || [ "$wanted" -le 2 ] ||
    fail "the autoscaler asked for $wanted analyzers, and $most became ready: \`just status\` says what keeps the others (has a node room for them?)"
[ "$most" -gt 2 ] || fail "the autoscaler did not answer: \`kubectl -n $NS describe hpa analyzer\` says what it saw (it needs metrics-server)"
say "from 2 to $most analyzers, and ${ready:-0} now"
