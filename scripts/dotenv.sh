#!/bin/sh
# Prints a variable as a recipe needs it: `dotenv.sh NAME` from the environment, else from .env.
set -eu
cd "$(dirname "$0")/.."
value=$(printenv "$1" || :)
[ -n "$value" ] || [ ! -r .env ] ||
    value=$(sed -n "s/^ *\(export  *\)\{0,1\}$1 *= *//p" .env | tail -n 1 | sed "s/ *\$//; s/^\([\"']\)\(.*\)\1\$/\2/")
printf '%s\n' "$value"
