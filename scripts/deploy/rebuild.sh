#!/bin/sh
# Build an environment's read models anew, while it runs: scripts/deploy/rebuild.sh ENV [--json]
# The rest comes from the environment's variables (NODE, SSH_OPTIONS, ...): see docs/DEPLOYMENT.md.
set -eu
cd "$(dirname "$0")/../.."
scripts/setup.sh --quiet
exec .venv/bin/python -m deployment rebuild "$@"
