#!/bin/sh
# A backup under load is restored into another server, and so is a dump of `pg_dump` where there is one:
# jobs, limits, unique keys, schedules and live events go on.
set -eu
cd "$(dirname "$0")/.."
exec scripts/with-postgres.sh scripts/tests.sh 'package(bellwether-cli) & binary(binary) & test(backup::)' "$@"
