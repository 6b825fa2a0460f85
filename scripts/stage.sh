#!/bin/sh
# One stage of the project's own checks: scripts/stage.sh test|test-quick|test-faults|lint|format|types|bench|bench-service|ci
set -eu
unset GIVEN # what was typed for `make test` is not meant for the commands in it
cd "$(dirname "$0")/.."
scripts/setup.sh --quiet
bin=.venv/bin
code="services deployment node1 tests benchmarks scripts"

case "${1:-}" in
test) exec $bin/python -m pytest -n auto -m "not faults" ;;
test-quick) exec $bin/python -m pytest -n auto --quick ;;
test-faults) exec $bin/python -m pytest -n auto -m faults ;;
lint)
    $bin/uv lock --check --quiet || { echo "uv.lock is not what pyproject.toml asks for: run uv lock" >&2; exit 1; }
    $bin/ruff check $code
    exec $bin/ruff format --check $code
    ;;
format)
    $bin/ruff check --fix --quiet $code || true
    exec $bin/ruff format $code
    ;;
types) exec $bin/mypy ;;
bench) exec $bin/python -m benchmarks.deploy ;;
bench-service) exec $bin/python -m benchmarks.service ${BENCH_DIR:+--dir "$BENCH_DIR"} ${JSON:+--json} ;;
ci) exec $bin/python -m scripts.ci ;;
*)
    echo "usage: scripts/stage.sh test|test-quick|test-faults|lint|format|types|bench|bench-service|ci" >&2
    exit 2
    ;;
esac
