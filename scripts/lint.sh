#!/bin/sh
# Clippy on everything, with each statement checked against the live schema on the way: one
# compilation answers both whether the code is clean and whether .sqlx/ is current. With PREPARE=1
# it writes .sqlx/ instead of comparing it. Needs DATABASE_URL of a migrated database.
set -eu
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
fresh=$PWD/$target/sqlx
rm -rf "$fresh"
mkdir -p "$fresh"
# The macros run only where something is compiled, so every file that uses them counts as changed.
grep -rlE 'query(_as|_scalar|_file|_file_as|_file_scalar)?(_unchecked)?!' --include='*.rs' jobs crates |
    xargs touch
SQLX_OFFLINE=false SQLX_OFFLINE_DIR=$fresh
export SQLX_OFFLINE SQLX_OFFLINE_DIR
if [ -n "${PREPARE:-}" ]; then
    cargo check --quiet --workspace --all-targets
    mkdir -p .sqlx
    rm -f .sqlx/query-*.json
    find "$fresh" -name 'query-*.json' -exec cp {} .sqlx/ \;
    echo ".sqlx: $(find .sqlx -name 'query-*.json' | wc -l | tr -d ' ') statements"
    exit
fi
cargo clippy --quiet --workspace --all-targets -- -D warnings
mkdir -p .sqlx
diff -r .sqlx "$fresh" >"$target/sqlx.diff" || {
    echo ".sqlx/ is not what the statements and the schema say: run \`just prepare\` and commit it" >&2
    head -n 20 "$target/sqlx.diff" >&2
    exit 1
}
