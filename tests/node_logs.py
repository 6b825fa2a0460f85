"""Keep the logs of the nodes of this run when a test fails: pytest --node-logs DIRECTORY."""

from __future__ import annotations

import re
import shutil
from collections.abc import Generator
from pathlib import Path

import pytest

from node1 import Node, Node1Error, registry

SECONDS = 20  # a node that is broken may not answer
BASE = pytest.StashKey[Path]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --node-logs."""
    parser.addoption(
        "--node-logs", type=Path, metavar="DIRECTORY", help="where the logs of nodes go when a test fails"
    )


@pytest.fixture(scope="session", autouse=True)
def _base(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> None:
    """Note where this run has its nodes: other runs on the machine have theirs elsewhere."""
    pytestconfig.stash[BASE] = tmp_path_factory.getbasetemp().resolve()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Save the logs before the fixtures of the failed test end its nodes."""
    report = yield
    directory: Path | None = item.config.getoption("--node-logs")
    if report.failed and directory is not None:
        name = re.sub(r"[^\w.-]+", "-", f"{item.nodeid}-{report.when}")
        save(directory / name, item.config.stash[BASE])
    return report


def save(directory: Path, base: Path) -> None:
    """Copy the console log of every node below `base`, and the journal of each that runs."""
    for record in registry.records():
        if not record.directory.is_relative_to(base):
            continue
        stem = f"{record.name}-{record.key}"
        directory.mkdir(parents=True, exist_ok=True)
        if record.console.exists():
            shutil.copyfile(record.console, directory / f"{stem}.console.log")
        node = Node(record)
        if node.running:
            (directory / f"{stem}.journal.log").write_text(_journal(node))


def _journal(node: Node) -> str:
    """Every journal of the node, those of the environments included, or why there is none."""
    try:
        done = node.run(["journalctl", "--namespace=*", "--no-pager"], timeout=SECONDS)
    except Node1Error as error:
        return f"{error}\n"
    return done.stdout + done.stderr
