#!/bin/sh
# Runs a command beside a scratch PostgreSQL with this product's schema in it: TEST_DATABASE_URL
# is the server, DATABASE_URL a migrated database. BUILT=1 says that everything is built already.
set -eu
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || { echo "usage: just with-postgres COMMAND [ARG]…" >&2; exit 2; }
BELLWETHER_PG_BIN=$(scripts/dotenv.sh BELLWETHER_PG_BIN)
[ -z "$BELLWETHER_PG_BIN" ] || export BELLWETHER_PG_BIN
. scripts/no-settings.sh
[ -n "${BUILT:-}" ] || cargo build --locked --quiet --package bellwether-testing --bin scratch-postgres
exec "${CARGO_TARGET_DIR:-target}/debug/scratch-postgres" \
    --apply queue=crates/queue/migrations --apply queue=crates/queue/functions --apply migrations "$@"
