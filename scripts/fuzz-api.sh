#!/bin/sh
# Asks the API what its own description allows, and what it does not, with schemathesis:
# `fuzz-api.sh [--short] [SEED]`. The seed is printed; the same seed asks the same. --short takes
# 90 s at most and asks the same each time unless a seed is given. Has a database of its own. Needs Python 3.11.
set -eu
cd "$(dirname "$0")/.."
. scripts/no-settings.sh
examples=50
most=900
default=$(date +%s)
if [ "${1:-}" = --short ]; then
    examples=5
    most=60
    default=1
    shift
fi
seed=${1:-$default}

home=$PWD/.tools/schemathesis
list=scripts/fuzz-api/requirements.txt
if ! cmp -s "$list" "$home/.requirements"; then
    echo "fuzz-api: installing schemathesis into .tools/schemathesis" >&2
    rm -rf "${home:?}"
    { python3 -m venv "$home" && "$home/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "$list"; } >&2 || {
        echo "fuzz-api: schemathesis could not be installed: Python 3.11 with venv and the registry PyPI are needed" >&2
        exit 1
    }
    cp "$list" "$home/.requirements"
fi

[ -n "${BUILT:-}" ] || cargo build --locked --quiet --package bellwether-cli --bin bellwether
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
log=${CARGO_TARGET_DIR:-target}/fuzz-api.log
bellwether=${CARGO_TARGET_DIR:-$PWD/target}/debug/bellwether
data=$(mktemp -d)
unset DATABASE_URL DATABASE_DIRECT_URL DATABASE_READ_URL BELLWETHER_API_TOKENS
export BELLWETHER_DATA_DIR="$data/bellwether"
chmod 755 "$data"
api=
trap 'trap - EXIT; [ -z "$api" ] || { kill "$api"; wait "$api" || true; }; rm -rf "$data"' EXIT
trap 'exit 1' INT TERM
{ "$bellwether" migrate up && "$bellwether" enqueue prune; } >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
"$bellwether" api --http-addr "127.0.0.1:$port" >>"$log" 2>&1 &
api=$!
until curl -fsS -o /dev/null "http://127.0.0.1:$port/ready" 2>/dev/null; do
    kill -0 $api 2>/dev/null || { cat "$log" >&2; exit 1; }
    sleep 0.2
done
echo "fuzz-api: seed $seed, $examples examples an operation" >&2
settings=$PWD/scripts/fuzz-api/schemathesis.toml
# It leaves its notes where it runs.
cd "$data"
"$home/bin/schemathesis" --config-file "$settings" run "http://127.0.0.1:$port/api/openapi.json" \
    --exclude-path /api/events --max-examples "$examples" --max-time "$most" --seed "$seed" \
    --generation-database none --warnings off
