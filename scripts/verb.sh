#!/bin/sh
# Run a verb of the deployment in this checkout: scripts/verb.sh VERB [dev|staging|live] [--json]
set -eu
unset CDPATH
CALLED_FROM=$PWD
export CALLED_FROM
cd "$(dirname "$0")/.."
. scripts/shell.sh
# The doctor uses the checkout as it is: it reports what is wrong, and fixes nothing.
[ "${1:-}" = doctor ] && [ -x .venv/bin/python ] || scripts/setup.sh --quiet
exec .venv/bin/python -m deployment "$@"
