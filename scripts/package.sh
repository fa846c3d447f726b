#!/bin/sh
# Packages the queue's crate as a registry would receive it, then builds and tests the package
# by itself, outside of the workspace and without a database. Its statements are checked against
# those files of .sqlx/ that hold them: sqlx reads the crate's own folder first.
set -eu
cd "$(dirname "$0")/.."
. scripts/no-settings.sh
CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}/package-build
export CARGO_TARGET_DIR
sqlx=crates/queue/.sqlx
apart=$(mktemp -d)
trap 'rm -rf "$sqlx" "$apart"' EXIT
trap 'exit 1' INT TERM
rm -rf "$sqlx"
mkdir "$sqlx"
rm -f "$CARGO_TARGET_DIR"/package/*.crate
find crates/queue/src -name '*.rs' -exec cat {} + >"$apart/source.txt"
node --input-type=commonjs - "$apart/source.txt" "$sqlx" <<'JS'
const { copyFileSync, readFileSync, readdirSync } = require("node:fs");
const [source, to] = process.argv.slice(2);
const text = readFileSync(source, "utf8");
for (const file of readdirSync(".sqlx")) {
  const { query } = JSON.parse(readFileSync(`.sqlx/${file}`, "utf8"));
  if (text.includes(query)) copyFileSync(`.sqlx/${file}`, `${to}/${file}`);
}
JS
cargo package --quiet --locked --allow-dirty --package bellwether-queue "$@"
tar -xzf "$CARGO_TARGET_DIR"/package/bellwether-queue-*.crate --strip-components=1 -C "$apart"
# from here, for the toolchain of this folder
cargo test --quiet --locked --manifest-path "$apart/Cargo.toml"
