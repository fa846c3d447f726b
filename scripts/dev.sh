#!/bin/sh
# Runs `bellwether up` and starts it again after every change that compiles. What was running goes
# on until then, and its end is a drain, so no work is lost between two versions.
set -eu
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
stamp=$target/dev.stamp
mkdir -p "$target"
running=

stop() {
    [ -n "$running" ] || return 0
    kill -TERM "$running" 2>/dev/null || :
    wait "$running" || :
    running=
}
# Ctrl-C reaches the product from the terminal as well: a second signal would cut its drain short.
trap 'wait; exit 130' INT
trap 'stop; exit 143' TERM

changed() {
    [ -n "$(find jobs crates migrations Cargo.toml -type f -newer "$stamp" ! -name '.*' | head -n 1)" ]
}

while :; do
    touch "$stamp"
    if cargo build --package bellwether-cli --bin bellwether; then
        stop
        "$target/debug/bellwether" up "$@" &
        running=$!
    fi
    until changed; do sleep 1; done
done
