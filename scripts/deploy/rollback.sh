#!/bin/sh
# Go back to the release before, or to RELEASE: scripts/deploy/rollback.sh dev|staging|live [--json]
# The rest comes from the environment's variables (NODE, SSH_OPTIONS, ...): see docs/DEPLOYMENT.md.
set -eu
exec "$(dirname "$0")/../verb.sh" rollback "$@"
