#!/bin/sh
# Quotas under fire, judged by the provider sandbox's own count: `rehearse-quota.sh [SECONDS]`.
# Five worker processes, more work than quota, random kills and freezes. Without SECONDS the short
# form; from 750 on each window of an hour and more is 600 times shorter and passes five times.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-30}
case $seconds in
'' | *[!0-9]*) echo "rehearse-quota.sh: how many seconds? Not $seconds" >&2 && exit 2 ;;
esac
if [ "${TEST_DATABASE_URL:-}" = '' ]; then
    exec scripts/with-postgres.sh "$0" "$seconds"
fi
if cargo nextest --version >/dev/null 2>&1; then
    REHEARSE_SECONDS=$seconds cargo nextest run --locked --package bellwether-cli --test quota \
        --ignore-default-filter --no-capture --profile rehearsal
else
    REHEARSE_SECONDS=$seconds cargo test --locked --package bellwether-cli --test quota -- --nocapture --test-threads 1
fi
echo "The report is in target/quota.md; bench/quota.md holds a long run's."
