#!/bin/sh
# Runs `bellwether up` and starts it again after every change that compiles. What was running goes
# on until then, and its end is a drain, so no work is lost between two versions. Beside it, Vite
# serves the dashboard from its sources, changes it in the open page, and hands what the page asks
# to that server.
set -eu
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
stamp=$target/dev.stamp
mkdir -p "$target"
running=
vite=

stop() {
    [ -n "$running" ] || return 0
    kill -TERM "$running" 2>/dev/null || :
    wait "$running" || :
    running=
}
stop_all() {
    [ -z "$vite" ] || kill -TERM "$vite" 2>/dev/null || :
    stop
}
# Ctrl-C reaches the product from the terminal as well: a second signal would cut its drain short.
trap 'wait; exit 130' INT
trap 'stop_all; exit 143' TERM

changed() {
    [ -n "$(find jobs crates migrations Cargo.toml -type f -newer "$stamp" ! -name '.*' | head -n 1)" ]
}

# The address of the server, as `up` will understand it.
api=$(scripts/dotenv.sh BELLWETHER_HTTP_ADDR)
api=${api:-127.0.0.1:3000}
option=
for arg in "$@"; do
    [ "$option" != --http-addr ] || api=$arg
    case $arg in --http-addr=*) api=${arg#*=} ;; esac
    option=$arg
done

scripts/web.sh deps
(. scripts/no-settings.sh && cd web && BELLWETHER_API=http://$api exec node node_modules/vite/bin/vite.js --host 127.0.0.1 --clearScreen false) &
vite=$!

while :; do
    touch "$stamp"
    if (. scripts/no-settings.sh && exec cargo build --locked --package bellwether-cli --bin bellwether); then
        stop
        "$target/debug/bellwether" up "$@" &
        running=$!
        echo "dev: the dashboard that changes with its sources is at the address that Vite names; it asks http://$api" >&2
    fi
    until changed; do sleep 1; done
done
