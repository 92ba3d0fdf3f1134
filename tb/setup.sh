#!/bin/sh
# Make the tools of the system's package manager and the Python environment available.
#
#   tb/setup.sh VENV LOCKFILE COMMAND...
#
# Installs the packages of the missing COMMANDs when that may be done without asking (root, with apt-get);
# otherwise says which are missing and how to get them, and ends with exit code 3. A COMMAND that starts with "?" is
# one that things work without. Then brings VENV up to LOCKFILE.
set -eu
venv=$1 lock=$2
shift 2

package_of() {
    case $1 in
        dtc) echo device-tree-compiler ;;
        *) echo "$1" ;;
    esac
}

present() {
    case $1 in
        python3-venv) ${PYTHON:-python3} -c 'import ensurepip, venv' 2>/dev/null ;;
        liblz4-dev) echo '#include <lz4.h>' | g++ -x c++ -E - >/dev/null 2>&1 ;;
        zlib1g-dev) echo '#include <zlib.h>' | g++ -x c++ -E - >/dev/null 2>&1 ;;
        *) command -v "$1" >/dev/null 2>&1 ;;
    esac
}

may_install=false
[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 && may_install=true

missing=
for tool in "$@"; do
    name=${tool#\?}
    if ! present "$name" && { [ "$name" = "$tool" ] || $may_install; }; then
        missing="$missing $(package_of "$name")"
    fi
done
if [ -n "$missing" ]; then
    if $may_install; then
        echo "setup: installing$missing"
        log=$(mktemp)
        # shellcheck disable=SC2086 # one word a package
        if ! { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $missing; } >"$log" 2>&1; then
            cat "$log" >&2
            echo "error: apt-get could not install$missing" >&2
            exit 3
        fi
        rm -f "$log"
    else
        echo "error: missing:$missing. Get them with: sudo apt-get install$missing" >&2
        exit 3
    fi
fi

python=${PYTHON:-python3}
if ! "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))'; then
    echo "error: $("$python" --version) will not do; Python 3.11 or 3.12 is needed (PYTHON=... names another)" >&2
    exit 3
fi

# Print the folder that pip is to install: the checkout, or, since pip writes there, a copy of its description with a link
# to its code if it is read-only.
installable() {
    if [ -w src ]; then
        echo .
    else
        rm -rf "$venv/checkout"
        mkdir -p "$venv/checkout/src"
        find . -maxdepth 1 -type f -exec cp {} "$venv/checkout" \;
        ln -s "$PWD/src/vctx" "$venv/checkout/src/vctx"
        echo "$venv/checkout"
    fi
}

# The stamp carries the lock file's checksum: a changed lock file is installed, an unchanged one costs nothing.
stamp=$venv/.$(basename "$lock").$(cksum <"$lock" | cut -d' ' -f1)
if [ ! -e "$stamp" ]; then
    echo "setup: installing Python packages of $lock into $venv"
    # One that was interrupted while it was made has no pip yet; what is there already is kept.
    "$venv/bin/python" -m pip --version >/dev/null 2>&1 || "$python" -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --quiet --disable-pip-version-check --requirement "$lock"
    "$venv/bin/python" -m pip install --quiet --quiet --disable-pip-version-check --no-deps --editable "$(installable)"
    rm -f "$venv/.$(basename "$lock")."*
    : >"$stamp"
fi
