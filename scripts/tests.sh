#!/bin/sh
# The tests, by cargo-nextest where it is installed: `tests.sh`, or `tests.sh FILTER [ARG]…`.
set -eu
cd "$(dirname "$0")/.."
have_nextest() { cargo nextest --version >/dev/null 2>&1; }

. scripts/no-settings.sh

# Only a run of all tests requires it; a test that needs it fails with a message too.
if BELLWETHER_PGBOUNCER=$(scripts/pgbouncer.sh); then
    export BELLWETHER_PGBOUNCER
elif [ $# -eq 0 ]; then
    exit 1
fi

if [ $# -eq 0 ]; then
    # nextest leaves the examples in the documentation out; they come first, so that the run
    # closes with the count of the tests.
    if have_nextest; then
        cargo test --locked --quiet --workspace --doc
        exec cargo nextest run --locked --workspace
    fi
    exec cargo test --locked --workspace
fi
filter=$1
shift
if have_nextest; then
    case $filter in
    *'('*) exec cargo nextest run --locked --workspace --filterset "$filter" "$@" ;;
    *) exec cargo nextest run --locked --workspace "$filter" "$@" ;;
    esac
fi
exec cargo test --locked --workspace "$filter" "$@"
