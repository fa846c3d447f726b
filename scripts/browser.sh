#!/bin/sh
# Prints the path of a Chromium for the browser tests, or one line that there is none.
set -eu
if [ -n "${PLAYWRIGHT_CHROMIUM:-}" ]; then
    [ -x "$PLAYWRIGHT_CHROMIUM" ] && exec echo "$PLAYWRIGHT_CHROMIUM"
    echo "PLAYWRIGHT_CHROMIUM is $PLAYWRIGHT_CHROMIUM, which is no program" >&2
    exit 1
fi
for name in chromium chromium-browser google-chrome-stable google-chrome; do
    command -v "$name" && exit
done
for app in "/Applications/Chromium.app/Contents/MacOS/Chromium" \
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"; do
    [ -x "$app" ] && exec echo "$app"
done
echo "a browser is missing: install Chromium, or set PLAYWRIGHT_CHROMIUM to its path" >&2
exit 1
