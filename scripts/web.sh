#!/bin/sh
# The dashboard, of which nothing is done again that has been done: `web.sh deps` installs what
# package-lock.json says, `build` makes web/dist, `check` is its fast checks, `test` all of them.
set -eu
cd "$(dirname "$0")/.."
. scripts/no-settings.sh
cd web

# deps [FOLDER]: exactly the packages of a lock file, whose scripts are not run.
deps() (
    cd "${1:-.}"
    cmp -s package-lock.json node_modules/.installed-lock && return
    echo "web: installing the packages of $PWD from the npm registry" >&2
    # npm says little of use on success, and everything on failure.
    said=$(npm ci --no-audit --no-fund --ignore-scripts 2>&1) || {
        printf '%s\n' "$said" >&2
        echo "the dashboard's packages could not be installed from the npm registry" >&2
        exit 1
    }
    cp package-lock.json node_modules/.installed-lock
)

# Folders are looked at as well: they change with a file that goes.
current() {
    [ -e dist/index.html ] && [ -e node_modules/.built ] &&
        [ -z "$(find src public index.html package.json package-lock.json ./*.ts ./tsconfig*.json \
            -newer node_modules/.built 2>/dev/null | head -n 1)" ]
}

build() {
    deps
    if current; then return; fi
    # The moment before: what changes during a build belongs to the next one.
    touch node_modules/.building
    echo "web: building the dashboard" >&2
    npm run --silent build -- --logLevel warn
    mv node_modules/.building node_modules/.built
}

# The tests in a browser are checked with the rest; they run elsewhere.
check() {
    build
    deps e2e
    npm run --silent check
    node_modules/.bin/tsc -p e2e
    npm run --silent size
}

case ${1:-build} in
deps) deps "${2:-.}" ;;
build) build ;;
check) check ;;
test)
    check
    npm run --silent test
    ;;
*)
    echo "usage: web.sh deps|build|check|test" >&2
    exit 2
    ;;
esac
