#!/bin/sh
# Everything that a deploy needs, checked from both ends: scripts/deploy/doctor.sh [dev|staging|live] [--json]
# The rest comes from the environment's variables (NODE, SSH_OPTIONS, ...): see docs/DEPLOYMENT.md.
set -eu
cd "$(dirname "$0")/../.."
scripts/setup.sh --quiet
exec .venv/bin/python -m deployment doctor "$@"
