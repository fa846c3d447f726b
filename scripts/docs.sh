#!/bin/sh
# The documentation of our own crates, where a broken link or an unclosed tag is an error.
set -eu
cd "$(dirname "$0")/.."
. scripts/no-settings.sh
RUSTDOCFLAGS="-D warnings" exec cargo doc --quiet --workspace --no-deps --document-private-items
