#!/bin/sh
# Plans a month of exchange days in virtual time and writes the table of bench/month.md.
set -eu
cd "$(dirname "$0")/.."
. scripts/no-settings.sh
report=bench/month.md
table=$(mktemp)
trap 'rm -f "$table"' EXIT
cargo run --locked --quiet --package bellwether-domain --example month >"$table"
cat "$table"
sed '/^| symbols/,$d' "$report" >"$table.head"
cat "$table.head" "$table" >"$report"
rm -f "$table.head"
