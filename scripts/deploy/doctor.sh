#!/bin/sh
# Everything that a deploy needs, checked from both ends: scripts/deploy/doctor.sh [dev|staging|live] [--json]
# The rest comes from the environment's variables (NODE, SSH_OPTIONS, ...): see docs/DEPLOYMENT.md.
# One that is there is used as it is: what is wrong with it is for doctor to say, and not to mend.
set -eu
exec "$(dirname "$0")/../verb.sh" doctor "$@"
