#!/bin/sh
# The targets of the Makefile with their `##` comments.
set -eu
unset CDPATH
cd "$(dirname "$0")/.."
exec awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $1, $2 }' Makefile
