#!/bin/sh
# A node1 of your own: scripts/try.sh up|down
set -eu
unset GIVEN # what was typed for `make try` is not meant for the deploys in it
unset CDPATH
cd "$(dirname "$0")/.."
. scripts/shell.sh
scripts/setup.sh --quiet
exec .venv/bin/python -m scripts.tryout "$@"
