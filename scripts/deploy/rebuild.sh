#!/bin/sh
# Build an environment's read models anew, while it runs: scripts/deploy/rebuild.sh ENV [--json]
# The rest comes from the environment's variables (NODE, SSH_OPTIONS, ...): see docs/DEPLOYMENT.md.
set -eu
exec "$(dirname "$0")/../verb.sh" rebuild "$@"
