#!/bin/sh
# A node1 of your own: scripts/try.sh up|down
set -eu
cd "$(dirname "$0")/.."
scripts/setup.sh --quiet
exec .venv/bin/python -m scripts.tryout "$@"
