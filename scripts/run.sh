#!/bin/sh
# Run the service from this checkout, as dev unless ENV names another environment; TELEGRAM=1 asks for its bot, which
# would else take it from the node that it listens on.
set -eu
unset CDPATH
cd "$(dirname "$0")/.."
. scripts/shell.sh
scripts/setup.sh --quiet
# An ENV that merely stands in the shell may be something else altogether.
case "${ENV_ORIGIN:-},${ENV:-}" in
"command line,"?* | *,dev | *,staging) ;;
*,live)
    echo "error: ENV=live stands in the shell; live must be named on the command line: make run ENV=live" >&2
    exit 2
    ;;
*) ENV=dev ;;
esac
export ENV
# A shell on a node may hold variables that lead to the node's own configuration and data.
unset CREDENTIALS_DIRECTORY HELIONYX_RELEASE HELIONYX_REHEARSAL HELIONYX_BRIDGE
exec .venv/bin/python -m services.api.runner
