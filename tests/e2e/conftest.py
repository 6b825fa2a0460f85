"""One node for the tests of a file; a first deploy on it for those that want one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from node1 import Node

from .operator import Operator, git


@pytest.fixture(scope="module")
def node(
    machine: None,  # noqa: ARG001
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Node]:
    """A bare node: systemd, sshd, sudo and Python, and no way out."""
    name = request.module.__name__.rpartition("_")[2][:20]
    with Node.boot(f"e2e-{name}", tmp_path_factory.mktemp("node") / "node") as booted:
        yield booted


@pytest.fixture
def operator(node: Node, tmp_path: Path) -> Operator:
    """A person with a fresh checkout."""
    return Operator.at(tmp_path / "checkout", node)


@pytest.fixture(scope="module")
def settled(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Operator:
    """A person who has deployed dev, and goes on from there."""
    operator = Operator.at(tmp_path_factory.mktemp("operator") / "checkout", node)
    operator.deploy("dev")
    return operator


@pytest.fixture
def dev(settled: Operator) -> Iterator[Operator]:
    """A person whose dev runs, and who is back on the same commit afterwards."""
    settled.deploy("dev")
    head = git(settled.root, "rev-parse", "HEAD").strip()
    yield settled
    git(settled.root, "reset", "--quiet", "--hard", head)
