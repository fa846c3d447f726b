#!/bin/sh
# The tests in a browser: `browser-tests.sh [ARG]…`, of Playwright. They drive the debug binary.
set -eu
cd "$(dirname "$0")/.."
PLAYWRIGHT_CHROMIUM=$(scripts/browser.sh)
export PLAYWRIGHT_CHROMIUM
. scripts/no-settings.sh
scripts/web.sh build
scripts/web.sh deps e2e
[ $# -gt 0 ] || set -- --project e2e
[ -n "${BUILT:-}" ] || cargo build --locked --quiet --package bellwether-cli --bin bellwether
target=${CARGO_TARGET_DIR:-target}
case $target in /*) ;; *) target=$PWD/$target ;; esac
BELLWETHER=$target/debug/bellwether
BELLWETHER_SCREENSHOTS=$target/screenshots
export BELLWETHER BELLWETHER_SCREENSHOTS
cd web/e2e
exec node_modules/.bin/playwright test "$@"
