#!/bin/sh
# Fetch a copy of an environment's event log, while it runs: scripts/deploy/backup.sh ENV [TO=file] [--json]
# The rest comes from the environment's variables (NODE, SSH_OPTIONS, ...): see docs/DEPLOYMENT.md.
set -eu
exec "$(dirname "$0")/../verb.sh" backup "$@"
