#!/bin/sh
# Run the verb that this script is called by: each script in scripts/deploy/ is a link to it. See docs/DEPLOYMENT.md.
# scripts/deploy/VERB.sh [dev|staging|live] [VARIABLE=value...] [--json]
set -eu
unset CDPATH
CALLED_FROM=$PWD
export CALLED_FROM
verb=$(basename "$0" .sh)
cd "$(dirname "$0")/../.."
. scripts/shell.sh
# The doctor uses the checkout as it is: it reports what is wrong, and fixes nothing.
[ "$verb" = doctor ] && [ -x .venv/bin/python ] || scripts/setup.sh --quiet
exec .venv/bin/python -m deployment "$verb" "$@"
