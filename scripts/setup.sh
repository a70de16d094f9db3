#!/bin/sh
# Have .venv (or VENV) hold what the lock files name: sh scripts/setup.sh PYTHON LOCK...
# The last lock file is installed, unless nothing changed; it must hold what the ones before it hold.
set -eu

python=$1
shift
venv=${VENV:-.venv}
for lock; do :; done # the last one

say() { echo "$*" >&2; }

if ! [ -f "$venv/made" ] || ! "$venv/bin/python" -c '' 2>/dev/null; then
    if ! command -v "$python" >/dev/null 2>&1; then
        say "Rejoinder needs Python 3.11 or newer, and there is no '$python' here. Install it, or name another: make PYTHON=/path/to/python3"
        exit 1
    fi
    if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
        say "Rejoinder needs Python 3.11 or newer; '$python' is $("$python" -V 2>&1). Name another: make PYTHON=/path/to/python3.11"
        exit 1
    fi
    if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
        say "'$python' comes without its venv module. Install it (Debian and Ubuntu: apt-get install python3-venv), or name another: make PYTHON=/path/to/python3"
        exit 1
    fi
    say "Making $venv with $("$python" -V 2>&1)"
    "$python" -m venv --clear "$venv"
    "$venv/bin/python" scripts/install.py requirements/pip.txt >/dev/null
    : >"$venv/made"
fi

if ! grep -qxF "$(cksum "$lock")" "$venv/made"; then
    "$venv/bin/python" scripts/install.py "$lock"
    cksum "$@" >"$venv/made"
fi
