#!/bin/sh
# Take an environment off the node; DATA=delete takes its data too: scripts/deploy/remove.sh ENV [--json]
# The rest comes from the environment's variables (NODE, SSH_OPTIONS, ...): see docs/DEPLOYMENT.md.
set -eu
exec "$(dirname "$0")/../verb.sh" remove "$@"
