#!/bin/sh
# The project's own checks: scripts/stage.sh STAGE..., as scripts/ci.py lists them (ci is all of them, check all but
# the tests); and scripts/stage.sh test|test-quick|test-faults|format|bench|bench-pages|bench-service|bench-shares|bench-switch
set -eu
unset GIVEN # what was typed for `make test` is not meant for the commands in it
unset PYTHONDONTWRITEBYTECODE # the tests start thousands of processes, which would compile the same modules each
unset CDPATH
cd "$(dirname "$0")/.."
. scripts/shell.sh
scripts/setup.sh --quiet
bin=.venv/bin

case "${1:-}" in
test) exec $bin/python -m pytest -n auto -m "not faults" ;;
test-quick) exec $bin/python -m pytest -n auto --quick ;;
test-faults) exec $bin/python -m pytest -n auto -m faults ;;
format)
    $bin/ruff check --fix --quiet || true # what ruff cannot fix is for lint to report
    exec $bin/ruff format
    ;;
bench-pages) exec $bin/python -m benchmarks.pages ;;
bench) exec $bin/python -m benchmarks.deploy ;;
bench-shares) exec $bin/python -m benchmarks.shares ;;
bench-switch) exec $bin/python -m benchmarks.switches ;;
bench-service) exec $bin/python -m benchmarks.service ${BENCH_DIR:+--dir "$BENCH_DIR"} ${JSON:+--json} ;;
*) exec $bin/python -m scripts.ci "$@" ;;
esac
