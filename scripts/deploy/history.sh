#!/bin/sh
# Who changed what and when: scripts/deploy/history.sh [dev|staging|live] [--json]
# The rest comes from the environment's variables (NODE, SSH_OPTIONS, ...): see docs/DEPLOYMENT.md.
set -eu
exec "$(dirname "$0")/../verb.sh" history "$@"
