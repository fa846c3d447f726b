#!/bin/sh
# Runs tests N times, each round with a seed of its own, until a round fails: `repeat.sh N FILTER [ARG]…`.
set -eu
cd "$(dirname "$0")/.."
[ $# -ge 2 ] || { echo "usage: just repeat N FILTER [ARG]…" >&2; exit 2; }
rounds=$1
shift
round=1
while [ "$round" -le "$rounds" ]; do
    QUEUE_SEED=$(od -An -N7 -tu8 /dev/urandom | tr -d ' ')
    export QUEUE_SEED
    echo "round $round of $rounds: seed $QUEUE_SEED"
    scripts/tests.sh "$@" || { echo "round $round failed: repeat it with QUEUE_SEED=$QUEUE_SEED" >&2; exit 1; }
    round=$((round + 1))
done
