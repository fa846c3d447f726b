#!/usr/bin/env bash
# Holds the images that the Dockerfile builds on to digests.
#
#   bases.sh [--check]
#
# It asks each base's registry what its tag means now, and writes that into the Dockerfile: to be run
# and committed where docker reaches the registries; Renovate keeps them fresh after that. --check
# names those without a digest and ends with 1; images are not pushed before it passes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
fail() { echo "bases: $1" >&2; exit 1; }

# The images from outside: a name of a stage has no slash.
bases() { sed -n 's/^FROM \(--platform=[^ ]* \)\{0,1\}\([^ ]*\/[^ ]*\).*/\2/p' Dockerfile; }
case ${1:-} in
'')
    command -v docker >/dev/null || fail "docker is missing: its buildx asks the registries"
    for base in $(bases); do
        tag=${base%%@*}
        digest=$(docker buildx imagetools inspect --format '{{.Manifest.Digest}}' "$tag") ||
            fail "the registry of $tag does not say what it is: see above"
        [[ $digest =~ ^sha256:[0-9a-f]{64}$ ]] || fail "the registry of $tag answers ${digest:-nothing} for a digest"
        sed -i.old "s#^\(FROM .*\)$base\( \|\$\)#\1$tag@$digest\2#" Dockerfile
        rm Dockerfile.old
        echo "bases: $tag@$digest" >&2
    done
    ;;
--check)
    loose=$(bases | grep -Ev '@sha256:[0-9a-f]{64}$' || :)
    [ -z "$loose" ] || fail "the Dockerfile builds on what may change under its name: $(echo $loose): run scripts/bases.sh where the registries are reached, and commit it"
    ;;
*)
    sed -n 's/^#   /usage: /p' "$0" >&2
    exit 2
    ;;
esac
