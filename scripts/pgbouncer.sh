#!/bin/sh
# Prints the path of a PgBouncer for the tests that need one. Where none is installed, Debian's
# package is unpacked into .tools/: no root, no service, nothing of it runs but the tests' own.
set -eu
cd "$(dirname "$0")/.."
works() { "$1" --version >/dev/null 2>&1; }
if [ -n "${BELLWETHER_PGBOUNCER:-}" ]; then
    works "$BELLWETHER_PGBOUNCER" && exec echo "$BELLWETHER_PGBOUNCER"
    echo "BELLWETHER_PGBOUNCER is $BELLWETHER_PGBOUNCER, which is no PgBouncer" >&2
    exit 1
fi
home=$PWD/.tools/pgbouncer
for program in "$(command -v pgbouncer || :)" /usr/sbin/pgbouncer /opt/homebrew/bin/pgbouncer "$home/pgbouncer"; do
    [ -z "$program" ] || ! works "$program" || exec echo "$program"
done

unpack() {
    # Its two libraries that a bare system lacks go by other names in each release.
    packages=$(apt-cache depends pgbouncer | sed -n 's/^ *Depends: \(libc-\{0,1\}ares.*\|libevent-.*\)/\1/p')
    rm -rf "$home.new" && mkdir -p "$home.new" && (
        cd "$home.new"
        # shellcheck disable=SC2086 # names are words
        apt-get download pgbouncer $packages
        for package in *.deb; do dpkg -x "$package" . && rm "$package"; done
        # shellcheck disable=SC2016 # for the program's own shell
        printf '#!/bin/sh\nLD_LIBRARY_PATH=$(echo %s/usr/lib/*-linux-gnu*) exec %s/usr/sbin/pgbouncer "$@"\n' \
            "$home" "$home" >pgbouncer
        chmod 755 pgbouncer
    ) && rm -rf "$home" && mv "$home.new" "$home"
}
if command -v apt-get >/dev/null && command -v dpkg >/dev/null; then
    mkdir -p .tools
    { unpack || { [ "$(id -u)" = 0 ] && apt-get update && unpack; }; } >>.tools/install.log 2>&1 </dev/null || :
    ! works "$home/pgbouncer" || exec echo "$home/pgbouncer"
fi
echo "PgBouncer is missing: install it, or set BELLWETHER_PGBOUNCER to its path" >&2
exit 1
