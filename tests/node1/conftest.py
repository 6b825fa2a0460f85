"""Nodes for these tests, on a machine that can boot them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from node1 import Node


@pytest.fixture(scope="session")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A node for tests that leave it as it is."""
    with Node.boot("standing", tmp_path_factory.mktemp("nodes") / "standing") as node:
        yield node


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """A node for a test that may do anything to it."""
    with Node.boot("own", tmp_path / "own") as node:
        yield node
