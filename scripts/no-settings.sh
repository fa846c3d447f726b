# shellcheck shell=sh
# Read by scripts that build or test: unsets the product's variables, those of .env.example, with
# the forms that name a file. A build tool, with all that its packages run, has no use for keys,
# and a person's settings are no part of a test. The place of PostgreSQL's programs stays.
# Expects the repository as working folder.
for name in $(sed -n 's/^# \([A-Z_]*\)=.*/\1/p' .env.example); do
    [ "$name" = BELLWETHER_PG_BIN ] || unset "$name" "${name}_FILE"
done
unset name
