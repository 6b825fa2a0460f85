#!/bin/sh
# Replace the words of an event that was said by mistake: scripts/deploy/redact.sh ENV POSITION= REASON= [--json]
# The rest comes from the environment's variables (NODE, SSH_OPTIONS, ...): see docs/DEPLOYMENT.md.
set -eu
exec "$(dirname "$0")/../verb.sh" redact "$@"
