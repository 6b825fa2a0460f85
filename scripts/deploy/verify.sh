#!/bin/sh
# Verify the audit and the event logs: scripts/deploy/verify.sh [dev|staging|live] [--json]
# The rest comes from the environment's variables (NODE, SSH_OPTIONS, ...): see docs/DEPLOYMENT.md.
set -eu
exec "$(dirname "$0")/../verb.sh" verify "$@"
