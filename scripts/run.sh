#!/bin/sh
# Builds the binary without the product's settings, which its build has no use for, and runs it with
# them: `run.sh PROFILE ARG…`. The binary reads .env by itself.
set -eu
cd "$(dirname "$0")/.."
profile=$1
shift
folder=$profile
[ "$profile" != dev ] || folder=debug
(
    . scripts/no-settings.sh
    exec cargo build --locked --profile "$profile" --package bellwether-cli --bin bellwether
)
exec "${CARGO_TARGET_DIR:-target}/$folder/bellwether" "$@"
