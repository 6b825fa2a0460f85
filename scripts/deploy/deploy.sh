#!/bin/sh
# Put a release on the node: scripts/deploy/deploy.sh dev|staging|live [--json]
# The rest comes from the environment's variables (NODE, SSH_OPTIONS, ...): see docs/DEPLOYMENT.md.
set -eu
exec "$(dirname "$0")/../verb.sh" deploy "$@"
