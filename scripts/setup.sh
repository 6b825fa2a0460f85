#!/bin/sh
# Set the checkout up: scripts/setup.sh [--quiet]. Does nothing when uv.lock is as it was the last time.
# What a bare machine lacks is installed where that can be done (root, apt-get), and named elsewhere.
set -eu
unset CDPATH
cd "$(dirname "$0")/.."
. scripts/shell.sh
quiet=${1:-}
stamp=.venv/.locked
if [ -x .venv/bin/python ] && cmp -s uv.lock "$stamp"; then
    [ -n "$quiet" ] || echo "the checkout is set up; .venv is as uv.lock says"
    exit 0
fi

fail() {
    printf 'error: %s\nhint: %s\nexit 2: refused, nothing was touched\n' "$1" "$2" >&2
    exit 2
}

# Debian packages by name: installed as root, named otherwise.
need() {
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "installing $*" >&2
        { apt-get install -qy --no-install-recommends "$@" || { apt-get update -q && apt-get install -qy --no-install-recommends "$@"; }; } >&2
    else
        fail "this machine lacks $*" "install it, for example: sudo apt-get install $*"
    fi
}

python=
for candidate in "${PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11; do
    if [ -n "$candidate" ] && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
[ -n "$python" ] || fail "Python 3.11 or later is needed, and none was found" "sudo apt-get install python3, or PYTHON=/path/to/python3"
command -v git >/dev/null || need git
command -v ssh >/dev/null || need openssh-client
"$python" -c 'import venv, ensurepip' 2>/dev/null || need python3-venv

echo "installing dependencies into .venv" >&2
uv=$(sed -n 's/^ *"uv==\(.*\)",/\1/p' pyproject.toml)
set_up() {
    { [ -x .venv/bin/python ] || "$python" -m venv .venv; } &&
        { [ "$(.venv/bin/uv --version 2>/dev/null | cut -d' ' -f2)" = "$uv" ] || .venv/bin/python -m pip install --quiet "uv==$uv"; } &&
        .venv/bin/uv sync --frozen --quiet &&
        cp uv.lock "$stamp"
}
set_up >&2 || fail ".venv could not be set up, as shown above" "see that it is yours, and that there is room and a way to PyPI; or rm -r .venv, and try again"
[ -n "$quiet" ] || echo "the checkout is set up: $(.venv/bin/python --version), $(.venv/bin/uv --version | cut -d' ' -f1,2)"
