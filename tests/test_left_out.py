"""A machine on which no node can boot: one line says so at the start, and one at the end."""

from __future__ import annotations

import os
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

from deployment.settings import ROOT

NOT_ROOT = "import os\nos.geteuid = lambda: 1000\n"
FILES = ("tests/e2e/test_command_line.py", "tests/node1/test_network.py")


def test_no_folder_of_tests_is_skipped(pytestconfig: pytest.Config) -> None:
    """pytest does not look into folders with some names, such as `build`, unless it is told to."""
    skipped = pytestconfig.getini("norecursedirs")
    folders = {
        name for path in (ROOT / "tests").rglob("test_*.py") for name in path.relative_to(ROOT).parts[:-1]
    }
    assert not [name for name in folders if any(fnmatch(name, pattern) for pattern in skipped)]


@pytest.mark.parametrize("workers", ["0", "1"])
def test_end_to_end_tests_are_left_out_in_two_lines(tmp_path: Path, workers: str) -> None:
    """And not by one skip each; the other tests run."""
    (tmp_path / "not_root.py").write_text(NOT_ROOT)
    argv = [sys.executable, "-m", "pytest", "-n", workers, "-p", "not_root", "-p", "no:cacheprovider", *FILES]
    environ = os.environ | {"PYTHONPATH": f"{tmp_path}:{ROOT}", "PYTEST_ADDOPTS": ""}
    done = subprocess.run(
        argv, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line for line in done.stdout.splitlines() if "it needs root, and this is user 1000" in line]
    assert [line.partition(":")[0] for line in lines] == [
        "without end-to-end tests",
        "4 end-to-end tests were left out",
    ]
    assert "SKIPPED" not in done.stdout
    assert "4 passed" in done.stdout
