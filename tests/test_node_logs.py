"""A failed test leaves the logs of its nodes where --node-logs says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deployment.settings import ROOT

pytestmark = pytest.mark.e2e

TESTS = """
import pytest
from node1 import Node

@pytest.fixture
def node(tmp_path):
    with Node.boot("logs", tmp_path / "node") as node:
        yield node

def test_fails(node):
    node.run(["logger", "--", "the node's last words"])
    assert False

def test_passes(node):
    assert True
"""


def test_logs_outlive_the_node_of_a_failed_test(tmp_path: Path) -> None:
    """Its console log and its journal; a test that passes leaves nothing."""
    file, logs = tmp_path / "test_nodes.py", tmp_path / "logs"
    file.write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-p", "tests.node_logs", f"--node-logs={logs}"]
    done = subprocess.run(
        [*command, f"--rootdir={tmp_path}", f"--basetemp={tmp_path / 'nodes'}", str(file)],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert "1 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    (directory,) = logs.iterdir()
    assert "test_fails" in directory.name
    (console,) = directory.glob("logs-*.console.log")
    (journal,) = directory.glob("logs-*.journal.log")
    assert console.stat().st_size > 0
    assert "the node's last words" in journal.read_text()
