#!/bin/sh
# Write a first .env.{environment} from the template: scripts/deploy/env.sh dev|staging|live
set -eu
cd "$(dirname "$0")/../.."
scripts/setup.sh --quiet
exec .venv/bin/python -m deployment env "$@"
