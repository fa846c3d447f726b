#!/usr/bin/env bash
# Builds the two images with the installed builder, and a list of contents (SBOM) for each.
#
#   images.sh [--tag TAG] [--by-content] [--platform LIST] [--push REGISTRY] [--with TOOL] [--no-sbom]
#
# --tag names them (dev), and --by-content adds what tells one content from another; --platform
# linux/amd64,linux/arm64 builds for both, else for this machine; --push puts them into a registry;
# --with chooses docker, podman, buildah or nerdctl; --no-sbom leaves the lists out. It prints how
# each image is called now: with --push by its digest, as overlays/production wants it. The images
# lie in the builder's own store, and as archives in target/images with the lists beside them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

TARGETS="bellwether frontend"

fail() { echo "images: $1" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }
usage() { sed -n '4s/^#   /usage: /p' "$0" >&2; exit 2; }

tag=dev platforms='' registry='' tool='' sbom=1 content=''
while [ $# -gt 0 ]; do
    case $1 in
    --tag) tag=${2:?--tag needs a name} && shift ;;
    --platform) platforms=${2:?--platform needs a list} && shift ;;
    --push) registry=${2:?--push needs a registry} && shift ;;
    --with) tool=${2:?--with needs a tool} && shift ;;
    --no-sbom) sbom='' ;;
    --by-content) content=1 ;;
    *) usage ;;
    esac
    shift
done

# The first that is here and works: a docker client alone, without its daemon, builds nothing.
works() {
    case $1 in
    docker | nerdctl) have "$1" && "$1" info >/dev/null 2>&1 ;;
    *) have "$1" ;;
    esac
}
if [ -n "$tool" ]; then
    works "$tool" || fail "$tool is not here, or does not answer"
else
    for one in docker podman buildah nerdctl; do
        if works "$one"; then tool=$one && break; fi
    done
    [ -n "$tool" ] || fail "nothing here builds images: install docker, podman, buildah or nerdctl"
fi

image() { if [ "$1" = bellwether ]; then echo bellwether; else echo "bellwether-$1"; fi; }
out=target/images
mkdir -p "$out"
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
[ -z "$(git status --porcelain 2>/dev/null)" ] || revision=$revision-dirty
machine=linux/$(uname -m | sed 's/x86_64/amd64/;s/aarch64/arm64/')
platforms=${platforms:-$machine}

# build TARGET PLATFORM NAME: one image into the builder's store. IMAGES_BUILD_ARGS is
# passed to the builder, for example to replace a stage: --build-context builder=DIR.
build() {
    local args=(--platform "$2" --target "$1" --tag "$3"
        --build-arg "VERSION=$version" --build-arg "REVISION=$revision" --file Dockerfile)
    [ "$tool" != buildah ] || args+=(--layers) # the others keep what they have built anyway
    # shellcheck disable=SC2206 # options are words
    args+=(${IMAGES_BUILD_ARGS:-})
    case $tool in
    docker) DOCKER_BUILDKIT=1 docker buildx build --load --provenance=false "${args[@]}" . ;;
    *) "$tool" build "${args[@]}" . ;;
    esac
}

# What an image is, in twelve characters.
id_of() {
    case $tool in
    buildah) buildah inspect --type image --format '{{.FromImageID}}' "$1" ;;
    *) "$tool" image inspect --format '{{.Id}}' "$1" ;;
    esac | sed 's/^sha256://' | cut -c1-12
}

# archive NAME FILE: in a form that clusters load and scanners read.
archive() {
    rm -f "$2"
    case $tool in
    docker | nerdctl) "$tool" save --output "$2" "$1" ;;
    podman) podman save --quiet --format docker-archive --output "$2" "$1" ;;
    buildah) buildah push --quiet "$1" "docker-archive:$2:$1" >/dev/null ;;
    esac
}

# push NAME REMOTE: prints the digest that the registry gave it.
push() {
    case $tool in
    docker | nerdctl)
        "$tool" tag "$1" "$2" && "$tool" push "$2" >&2
        "$tool" image inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' "$2" | sed -n "s|^${2%:*}@||p" | head -n 1
        ;;
    *)
        "$tool" push --digestfile "$out/digest" "$1" "docker://$2" >&2
        cat "$out/digest"
        ;;
    esac
}

# One name over the images of several machines; prints its digest.
join() {
    local remote=$1
    shift
    case $tool in
    docker)
        docker buildx imagetools create --tag "$remote" "$@" >&2
        docker buildx imagetools inspect --format '{{.Manifest.Digest}}' "$remote"
        ;;
    podman | buildah)
        "$tool" manifest rm "$remote" >/dev/null 2>&1 || :
        "$tool" manifest create "$remote" >/dev/null
        for part in "$@"; do "$tool" manifest add "$remote" "docker://$part" >/dev/null; done
        "$tool" manifest push --all --digestfile "$out/digest" "$remote" "docker://$remote" >&2
        cat "$out/digest"
        ;;
    nerdctl) fail "nerdctl joins no images of several machines here: push one --platform, or use another tool" ;;
    esac
}

syft_found() {
    if have syft; then syft=syft && return; fi
    syft=$PWD/.tools/syft/bin/syft
    [ -x "$syft" ] && return
    have python3 || return 1
    echo "images: installing syft into .tools/syft" >&2
    mkdir -p .tools
    { python3 -m venv .tools/syft && .tools/syft/bin/pip install --disable-pip-version-check --require-hashes -r scripts/requirements-syft.txt; } \
        >>.tools/install.log 2>&1 </dev/null && [ -x "$syft" ]
}

lists() {
    SYFT_CHECK_FOR_APP_UPDATE=false "$syft" scan --quiet "docker-archive:$1.tar" \
        -o "spdx-json=$1.spdx.json" -o "cyclonedx-json=$1.cdx.json"
}

# What others will run is built on bases that cannot change under their names.
[ -z "$registry" ] || scripts/bases.sh --check || exit 1
[ -z "$sbom" ] || syft_found || fail "syft could not be installed from PyPI (.tools/install.log): install it, or pass --no-sbom"

echo "images: building $version ($tag) for $platforms with $tool" >&2
for target in $TARGETS; do
    name=$(image "$target")
    parts=()
    for platform in ${platforms//,/ }; do
        local_name=$name:$tag
        [ "$platform" = "$machine" ] || local_name=$name:$tag-${platform##*/}
        # podman and buildah would else put it under localhost/, where a cluster does not look
        case $tool in podman | buildah) local_name=docker.io/library/$local_name ;; esac
        build "$target" "$platform" "$local_name" >&2 || fail "$name could not be built for $platform"
        if [ -n "$content" ]; then
            id=$(id_of "$local_name")
            [ -n "$id" ] || fail "$tool does not say what $local_name is"
            "$tool" tag "$local_name" "$local_name-$id"
            local_name=$local_name-$id
        fi
        file=$out/$name-${platform##*/}
        archive "$local_name" "$file.tar" || fail "$name could not be saved to $file.tar"
        [ -z "$sbom" ] || lists "$file" || fail "what is in $name could not be listed"
        echo "images: $local_name, $file.tar${sbom:+, $file.spdx.json, $file.cdx.json}" >&2
        [ -z "$registry" ] || {
            part=$registry/$name:$tag-${platform##*/}
            digest=$(push "$local_name" "$part") || fail "$part could not be pushed"
            parts+=("$part")
        }
    done
    if [ -z "$registry" ]; then
        echo "${local_name#docker.io/library/}"
    else
        remote=$registry/$name:$tag
        if [ ${#parts[@]} -gt 1 ]; then
            digest=$(join "$remote" "${parts[@]}") || fail "$remote could not be pushed"
        fi
        printf '%s@%s\n' "$registry/$name" "$digest"
    fi
done
