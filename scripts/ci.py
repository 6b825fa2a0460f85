"""Run stages of CI one after the other, whatever became of the one before; then print a line for each."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from deployment.build import ci_notes
from deployment.errors import DeployError

ROOT = Path(__file__).parents[1]
BIN = ".venv/bin"
PYTEST = (f"{BIN}/python", "-m", "pytest", "-n", "auto")
LIMIT = 45 * 60  # seconds for one command
SKIPPED = 77  # the exit code of a command that cannot run on this machine, as automake has it


@dataclass(frozen=True)
class Stage:
    """A named check: all of its commands run, and each must end with 0."""

    name: str
    commands: tuple[tuple[str, ...], ...]


# Those of GitHub, and the one that docs/OPERATIONS.md tells people to copy.
WORKFLOWS = (".", "docs/examples/deploy.yml")
# The checks that read the code, and run no test.
STATIC = (
    Stage("lint", ((f"{BIN}/ruff", "check"), (f"{BIN}/uv", "lock", "--check"))),
    Stage("format-check", ((f"{BIN}/ruff", "format", "--check"),)),
    Stage("types", ((f"{BIN}/mypy",),)),
    Stage("shell", ((f"{BIN}/shellcheck", "scripts/**/*.sh", ".ci/run", "helionyx"),)),
    Stage("workflows", ((f"{BIN}/zizmor", "--offline", "--quiet", "--strict-collection", *WORKFLOWS),)),
    Stage("units", ((f"{BIN}/python", "-m", "scripts.units"),)),
)
# Every test belongs to one of these two, but for the long matrices of `make test-faults`.
TESTS = (
    Stage("unit", ((*PYTEST, "-m", "not e2e and not faults"),)),
    Stage("e2e", ((*PYTEST, "-m", "e2e and not faults"),)),
)
STAGES = {stage.name: stage for stage in STATIC + TESTS}
GROUPS = {"check": [stage.name for stage in STATIC], "ci": list(STAGES)}


def main() -> int:
    """Run the stages that the command line names; 1 if one of them failed."""
    parser = argparse.ArgumentParser(prog="scripts/stage.sh", description=__doc__)
    parser.add_argument("stages", nargs="+", choices=[*STAGES, *GROUPS], metavar="STAGE")
    names = [name for word in parser.parse_args().stages for name in GROUPS.get(word, [word])]
    lines, failed, skipped = [], False, False
    is_whole = set(names) == set(STAGES)
    head = _clean_head() if is_whole else ""
    for name in names:
        print(f"--- {name}", flush=True)
        begun = time.monotonic()
        code = run(STAGES[name])
        lines.append(f"{name:<12} {verdict(code):<7} {time.monotonic() - begun:4.0f} s")
        # A required check must not be green where it did not run.
        skipped = skipped or code == SKIPPED
        failed = failed or verdict(code) == "FAILED" or (code == SKIPPED and "CI" in os.environ)
    print("--- result", *lines, sep="\n", flush=True)
    if is_whole:
        print(_record(head, passed=not failed and not skipped), flush=True)
    return int(failed)


def _record(head: str, *, passed: bool) -> str:
    """Record on the commit that all stages passed, for the gate of live; return a line about it."""
    if not passed:
        return "not recorded: not every stage passed"
    if not head or _clean_head() != head:
        return "not recorded: there are changes that are not committed, or the commit is another one by now"
    try:
        return f"recorded: {ci_notes.write(ROOT, head)}"
    except DeployError as error:
        return f"not recorded: {error.message}"


def _clean_head() -> str:
    """The commit that is checked; empty where the tree is not just as it is committed, or is in no commit."""
    try:
        return ci_notes.clean_head(ROOT)
    except DeployError:
        return ""


def run(stage: Stage) -> int:
    """The first exit code of the stage's commands that is not 0; 0 if there is none."""
    codes = [_run(command) for command in stage.commands]
    return next((code for code in codes if code != 0), 0)


def verdict(code: int) -> str:
    """The word for an exit code in the list of results."""
    return {0: "ok", SKIPPED: "skipped"}.get(code, "FAILED")


def _run(command: tuple[str, ...]) -> int:
    try:
        return subprocess.run(expand(command), cwd=ROOT, check=False, timeout=LIMIT).returncode
    except subprocess.TimeoutExpired:
        print(f"no end after {LIMIT} s", flush=True)
        return 124


def expand(command: tuple[str, ...]) -> list[str]:
    """The command with each pattern replaced by the files that match it."""
    words: list[str] = []
    for word in command:
        matches = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob(word)) if "*" in word else [word]
        words.extend(matches)
    return words


if __name__ == "__main__":
    sys.exit(main())
