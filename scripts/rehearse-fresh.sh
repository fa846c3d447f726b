#!/usr/bin/env bash
# A stranger's first day: clones what is committed into a scratch folder with an empty home, runs
# the README's commands there, looks at what they give, and times each step.
#
#   rehearse-fresh.sh [--test] [--user NAME] [--from REPOSITORY] [--keep]
#
# --test runs `./justw test` as well; --user repeats all of it as an ordinary user, which needs
# root; --from names another repository than this one; --keep leaves the scratch folder. Compilers
# and the crates that cargo has fetched before are shared; nothing that was built is.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

READY_S=2400  # the first build is within it
SIGNAL_S=60
STOP_S=40
PAGES="/ /alerts /jobs /jobs/1 /system"
ROUTES="/health /ready /metrics /api/openapi.json /api/latest-data /api/news/AAPL /api/sentiment-summary
    /api/signals/AAPL /api/alerts/recent /api/alerts/AAPL /api/jobs /api/queues /api/limits"
POSTS="/scrape /analyze /check-alerts"

source=$PWD user='' test='' keep=''
while [ $# -gt 0 ]; do
    case $1 in
    --test) test=1 ;;
    --keep) keep=1 ;;
    --user) user=${2:?--user needs a name} && shift ;;
    --from) source=${2:?--from needs a repository} && shift ;;
    *) echo "usage: just rehearse fresh [--test] [--user NAME] [--from REPOSITORY] [--keep]" >&2; exit 2 ;;
    esac
    shift
done
if [ -n "$user" ]; then
    [ "$(id -u)" = 0 ] || { echo "--user needs root" >&2; exit 2; }
    id "$user" >/dev/null || exit 2
fi

scratch=$(mktemp -d "${TMPDIR:-/tmp}/bellwether-rehearsal-XXXXXX")
# PostgreSQL and an ordinary user have to pass through it.
chmod 755 "$scratch"
table=$scratch/table
pid=
clean() {
    code=$?
    [ -z "$pid" ] || kill -TERM -- "-$pid" 2>/dev/null || :
    [ ! -e "$table" ] || { echo && printf '%-8s %-46s %8s\n' who step seconds && cat "$table"; }
    if [ -n "$keep" ] || [ "$code" != 0 ]; then echo "left for a look: $scratch"; else rm -rf "$scratch"; fi
}
trap clean EXIT
fail() {
    echo "rehearsal ($who): $1" >&2
    [ -z "${log:-}" ] || tail -n 40 "$log" >&2
    exit 1
}
now() { date +%s.%N; }
# step NAME BEGUN: a row of the table.
step() {
    printf '%-8s %-46s %8.1f\n' "$who" "$1" "$(echo "$(now) $2" | awk '{ print $1 - $2 }')" | tee -a "$table"
}

# The compilers, for a user who cannot read this user's; links take no space.
share_rust() {
    local bin
    # The real folder: a toolchain's name may be a link to another's.
    bin=$(dirname "$(realpath "$(rustup which cargo 2>/dev/null || command -v cargo)")")
    cp -al "$(dirname "$bin")" "$scratch/rust" 2>/dev/null || cp -a "$(dirname "$bin")" "$scratch/rust"
    mkdir -p "$home/.cargo"
    [ ! -d "${CARGO_HOME:-$HOME/.cargo}/registry" ] || {
        mkdir "$home/.cargo/registry"
        for part in index cache; do
            cp -r "${CARGO_HOME:-$HOME/.cargo}/registry/$part" "$home/.cargo/registry/"
        done
    }
    chown -R "$who:" "$home"
    path=$scratch/rust/bin:$path
}

# as COMMAND…: with the clone as folder, and an environment that holds nothing of a person.
as() {
    local change=() setting keep=()
    [ "$who" = "$(id -un)" ] || change=(setpriv --reuid "$who" --regid "$(id -g "$who")" --init-groups)
    # How this machine reaches the package registries, where it is told by variables.
    for setting in HTTPS_PROXY https_proxy NO_PROXY no_proxy SSL_CERT_FILE SSL_CERT_DIR NODE_EXTRA_CA_CERTS; do
        [ -z "${!setting:-}" ] || keep+=("$setting=${!setting}")
    done
    (cd "$clone" && exec "${change[@]}" env -i PATH="$path" HOME="$home" LANG=C.UTF-8 \
        "${cargo[@]}" "${keep[@]}" "$@")
}

port() { node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })'; }
status() { curl -s -o /dev/null -m 20 -w '%{http_code}' "$@" || :; }
# within SECONDS WHAT COMMAND…: until the command succeeds.
within() {
    local end=$(($(date +%s) + $1)) what=$2
    shift 2
    until "$@"; do
        [ "$(date +%s)" -lt "$end" ] || fail "waited without success for $what"
        [ -z "$pid" ] || kill -0 "$pid" 2>/dev/null || fail "it ended before $what"
        sleep 0.2
    done
}

is_up() { grep -q '^Bellwether is up at' "$log" && [ "$(status "$url/ready")" = 200 ]; }
has_signal() { curl -s -m 5 "$url/api/signals/$1" | grep -q '"current":{.*"state":"ok"'; }
is_gone() { ! kill -0 -- "-$1" 2>/dev/null; }
# Whether nothing that runs names the clone: the server's data and programs all lie in it.
is_quiet() { ! ps -eo args | grep -F "$clone" | grep -vq grep; }

rehearse() {
    who=$1 home=$scratch/home-$1 clone=$scratch/clone-$1 path=$PATH cargo=() log=
    mkdir "$home"
    if [ "$who" = "$(id -un)" ]; then
        cargo=(CARGO_HOME="${CARGO_HOME:-$HOME/.cargo}" RUSTUP_HOME="${RUSTUP_HOME:-$HOME/.rustup}")
    else
        share_rust
    fi

    local begun ready sum
    begun=$(now)
    git clone --quiet "$source" "$clone"
    [ "$who" = "$(id -un)" ] || chown -R "$who:" "$clone"
    step "git clone" "$begun"

    log=$scratch/up-$who.log
    : >"$log"
    url=http://127.0.0.1:$(port)
    begun=$(now)
    # In a group of its own, as a terminal would start it: Ctrl-C reaches all of the group.
    set -m
    as env BELLWETHER_HTTP_ADDR="${url#http://}" BELLWETHER_SANDBOX_ADDR="127.0.0.1:$(port)" \
        BELLWETHER_SANDBOX_SMTP_ADDR="127.0.0.1:$(port)" ./justw up >"$log" 2>&1 </dev/null &
    pid=$!
    set +m
    within "$READY_S" "./justw up" is_up
    step "./justw up, until it is ready" "$begun"

    ready=$(now)
    for page in $PAGES; do
        curl -s -m 20 "$url$page" | grep -q 'id="root"' || fail "$page is not the dashboard"
    done
    for asset in $(curl -s "$url/" | grep -o '/assets/[^"]*'); do
        [ "$(status "$url$asset")" = 200 ] || fail "$asset is missing"
    done
    step "the dashboard's pages and assets" "$ready"

    for symbol in AAPL MSFT GOOGL AMZN TSLA; do
        within "$SIGNAL_S" "a signal of $symbol" has_signal "$symbol"
    done
    sum=$(echo "$(now) $ready" | awk '{ print int($1 - $2) }')
    [ "$sum" -lt "$SIGNAL_S" ] || fail "the signals took $sum s"
    step "a signal of every symbol, from ready" "$ready"

    begun=$(now)
    for route in $ROUTES; do
        [ "$(status "$url$route")" = 200 ] || fail "GET $route: $(status "$url$route")"
    done
    for route in $POSTS; do
        [ "$(status -X POST "$url$route")" = 202 ] || fail "POST $route"
    done
    step "the routes" "$begun"

    begun=$(now)
    kill -INT -- "-$pid"
    within_stop=$pid pid=
    within "$STOP_S" "the end after Ctrl-C" is_gone "$within_stop"
    grep -q 'stopped$' "$log" || fail "it did not say that it stopped"
    within 10 "its processes to be gone" is_quiet
    [ "$(status "$url/")" = 000 ] || fail "the port still answers"
    step "Ctrl-C, until nothing is left" "$begun"

    if [ -n "$test" ]; then
        log=$scratch/test-$who.log
        begun=$(now)
        as ./justw test >"$log" 2>&1 </dev/null || fail "./justw test failed"
        step "./justw test" "$begun"
        grep -aE 'tests run:|test result:|passed \(' "$log" | tail -n 3 | sed 's/^ */         /' | tee -a "$table"
        within 10 "its processes to be gone" is_quiet
    fi
}

rehearse "$(id -un)"
if [ -n "$user" ]; then rehearse "$user"; fi
