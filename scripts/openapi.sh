#!/bin/sh
# `write` puts the API's description into crates/api/openapi.json, `check` compares it.
set -eu
cd "$(dirname "$0")/.."
. scripts/no-settings.sh
file=crates/api/openapi.json
target=${CARGO_TARGET_DIR:-target}
fresh=$target/openapi.json
[ -n "${BUILT:-}" ] || cargo build --locked --quiet --package bellwether-cli --bin bellwether
"$target/debug/bellwether" openapi >"$fresh"
if [ "${1:-}" = write ]; then
    cp "$fresh" "$file"
    echo "$file: written"
    exit
fi
diff -u "$file" "$fresh" >"$target/openapi.diff" || {
    echo "$file is not what the routes say: run \`just openapi\` and commit it" >&2
    head -n 40 "$target/openapi.diff" >&2
    exit 1
}
