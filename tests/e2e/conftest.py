"""Nodes for the tests: bare, or with what was deployed to it before.

`bare`, `dev`, `two` and `three` are fresh for each test. `settled` is one node for all tests of a file
that want it: they go forward, whatever the one before has left.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .back_door import BackDoor
from .operator import Operator
from .states import States


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this directory."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def states(tmp_path_factory: pytest.TempPathFactory) -> States:
    """What many tests begin with."""
    return States.of_run(tmp_path_factory)


@pytest.fixture
def bare(states: States, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """A person with a fresh checkout and a bare node: systemd, sshd, sudo, Python, and no way out."""
    directory = tmp_path_factory.mktemp("bare")
    with states.boot("e2e-bare", directory / "node") as node:
        states.checkout(directory / "checkout")
        yield Operator(directory / "checkout", node)
    shutil.rmtree(directory / "checkout")


@pytest.fixture(scope="module")
def settled(states: States, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """A person who has deployed dev, and goes on from there, test after test."""
    with _deployed(states, tmp_path_factory.mktemp("settled"), "dev") as operator:
        yield operator


@pytest.fixture
def dev(states: States, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """A person who has deployed dev, on a node where nothing else was done."""
    with _deployed(states, tmp_path_factory.mktemp("dev"), "dev") as operator:
        yield operator


@pytest.fixture
def two(states: States, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """A person who has deployed dev and staging."""
    with _deployed(states, tmp_path_factory.mktemp("two"), "dev", "staging") as operator:
        yield operator


@pytest.fixture
def three(states: States, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """A person who has deployed all environments."""
    with _deployed(states, tmp_path_factory.mktemp("three"), "dev", "staging", "live") as operator:
        yield operator


@pytest.fixture(scope="module")
def intruder(states: States, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BackDoor]:
    """The way into the service of dev, where staging and live run too. One node for all tests of a file."""
    breached, directory = states.breached(), tmp_path_factory.mktemp("intruder")
    with states.boot("e2e-intruder", directory / "node", breached.snapshot) as node:
        yield BackDoor.into(breached.operator(node, directory / "checkout"), "dev")
    shutil.rmtree(directory / "checkout")


@contextmanager
def _deployed(states: States, directory: Path, *environments: str) -> Iterator[Operator]:
    deployed = states.deployed(*environments)
    with states.boot("e2e-" + "-".join(environments), directory / "node", deployed.snapshot) as node:
        yield deployed.operator(node, directory / "checkout")
    shutil.rmtree(directory / "checkout")
