#!/bin/sh
# Stop an environment, for good until it is started: scripts/deploy/stop.sh [dev|staging|live] [--json]
# The rest comes from the environment's variables (NODE, SSH_OPTIONS, ...): see docs/DEPLOYMENT.md.
set -eu
exec "$(dirname "$0")/../verb.sh" stop "$@"
