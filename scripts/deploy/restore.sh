#!/bin/sh
# Put a backup in the place of an event log: scripts/deploy/restore.sh ENV BACKUP=file [--json]
# The rest comes from the environment's variables (NODE, SSH_OPTIONS, ...): see docs/DEPLOYMENT.md.
set -eu
exec "$(dirname "$0")/../verb.sh" restore "$@"
