"""Every stage of CI but e2e fails on a fault of its kind, and the stages that run beside it do not."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from deployment.settings import ROOT

# The test that stands for all tests of the stage unit.
TEST = "tests/node1/test_run.py::test_a_failure_carries_the_command_the_exit_code_and_what_was_said"


@dataclass(frozen=True)
class Fault:
    """A text of a file and its replacement, the stage that must fail, and what the stage must print."""

    stage: str
    file: str
    old: str
    new: str
    printed: str


UNUSED_IMPORT = Fault("lint", "scripts/units.py", "import sys\n", "import os\nimport sys\n", "F401 [*] `os`")
BAD_FORMAT = Fault(
    "format-check",
    "scripts/units.py",
    'JOURNALS = Path("/etc/systemd")',
    'JOURNALS=Path("/etc/systemd")',
    '+ JOURNALS = Path("/etc/systemd")',
)
WRONG_TYPE = Fault(
    "types",
    "node1/record.py",
    'return f"hn1-{self.key}"',
    "return len(self.key)",
    'got "int", expected "str"',
)
BAD_SHELL = Fault("shell", "scripts/help.sh", "set -eu\n", "set -eu\nls $1\n", "SC2086")
BAD_WORKFLOW = Fault(
    "workflows",
    ".github/workflows/ci.yml",
    '"$STAGE"',
    "${{ github.head_ref }}",
    "error[template-injection]",
)
FAILING_TEST = Fault(
    "unit", "node1/run.py", "exit code {child.returncode}", "exit code {child.pid}", "1 failed"
)
BAD_UNIT = Fault("units", "deployment/build/units.py", "NoDelay=", "NoDelays=", "Unknown key 'NoDelays'")
BAD_JOURNAL = Fault("units", "deployment/build/units.py", "Storage=", "Storages=", "Unknown key 'Storages'")


READ = [UNUSED_IMPORT, BAD_FORMAT, WRONG_TYPE, BAD_SHELL, BAD_WORKFLOW]


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the files of this checkout as they are now, and its installed tools."""
    scratch = tmp_path_factory.mktemp("ci") / "scratch"
    listed = _run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], ROOT)
    assert listed.returncode == 0, listed.stdout
    for name in listed.stdout.split("\0"):
        if (ROOT / name).is_file():
            (scratch / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, scratch / name)
    (scratch / ".venv").symlink_to(ROOT / ".venv")
    _let_mypy_read_node1_alone(scratch / "pyproject.toml")
    assert _run(["git", "init", "--quiet"], scratch).returncode == 0
    return scratch


def _let_mypy_read_node1_alone(path: Path) -> None:
    """Change the list of files in a pyproject.toml: a cold run on all of them takes half a minute."""
    text, count = re.subn(r"^files = .*$", 'files = ["node1"]', path.read_text(), flags=re.MULTILINE)
    assert count == 1
    path.write_text(text)


def test_each_stage_fails_on_a_fault_of_its_kind(scratch: Path) -> None:
    """And prints it; a stage that fails keeps none of the others from running."""
    output = run_with(scratch, READ, [fault.stage for fault in READ])
    assert verdicts(output) == {fault.stage: "FAILED" for fault in READ}, output
    for fault in READ:
        assert fault.printed in printed_by(fault.stage, output)


def test_only_the_stage_of_the_fault_fails(scratch: Path) -> None:
    """Also one that runs tests; those that run with it are ok."""
    output = run_with(scratch, [FAILING_TEST], ["format-check", "unit", "shell"])
    assert verdicts(output) == {"format-check": "ok", "unit": "FAILED", "shell": "ok"}, output
    assert FAILING_TEST.printed in printed_by("unit", output)


@pytest.mark.e2e
def test_systemd_of_a_node_refuses_units_and_journals(scratch: Path) -> None:
    """An unknown key is a failure, though systemd only warns of it."""
    output = run_with(scratch, [BAD_UNIT, BAD_JOURNAL], ["units", "shell"])
    assert verdicts(output) == {"units": "FAILED", "shell": "ok"}, output
    for fault in (BAD_UNIT, BAD_JOURNAL):
        assert fault.printed in printed_by("units", output)


def run_with(scratch: Path, faults: list[Fault], stages: list[str]) -> str:
    """What the stages print while the faults are in the scratch repository; they must end with 1."""
    texts = {fault.file: (scratch / fault.file).read_text() for fault in faults}
    for fault in faults:
        text = (scratch / fault.file).read_text()
        assert text.count(fault.old) == 1
        (scratch / fault.file).write_text(text.replace(fault.old, fault.new))
    try:
        done = _run(["scripts/stage.sh", *stages], scratch)
    finally:
        for name, text in texts.items():
            (scratch / name).write_text(text)
    assert done.returncode == 1, done.stdout
    return done.stdout


def verdicts(output: str) -> dict[str, str]:
    """The result of each stage, from the list at the end of the output."""
    return dict(re.findall(r"^(\S+) +(ok|FAILED|skipped) +\d+ s$", output, re.MULTILINE))


def printed_by(stage: str, output: str) -> str:
    """The part of the output that is of one stage."""
    return output.partition(f"--- {stage}\n")[2].partition("\n--- ")[0]


def _run(command: list[str], directory: Path) -> subprocess.CompletedProcess[str]:
    """Run a command to its end with what it prints in one text; pytest runs the test that stands for all."""
    outer = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        command,
        cwd=directory,
        env=outer | {"PYTEST_ADDOPTS": TEST, "PYTEST_XDIST_AUTO_NUM_WORKERS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=200,
    )
