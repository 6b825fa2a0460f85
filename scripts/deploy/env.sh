#!/bin/sh
# Write a first .env.{environment} from the template: scripts/deploy/env.sh dev|staging|live
set -eu
exec "$(dirname "$0")/../verb.sh" env "$@"
