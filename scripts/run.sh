#!/bin/sh
# Run the service from this checkout, as dev unless ENV names another environment.
set -eu
cd "$(dirname "$0")/.."
scripts/setup.sh --quiet
# An ENV that merely stands in the shell may be something else altogether.
case "${ENV_ORIGIN:-},${ENV:-}" in
"command line,"?* | *,dev | *,staging | *,live) ;;
*) ENV=dev ;;
esac
export ENV
exec .venv/bin/python -m services.api.runner
