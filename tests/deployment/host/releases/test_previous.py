"""The release that `rollback` goes to, after releases were deployed, rolled back from, and made of others."""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path

import pytest

from deployment.host.records import verified_releases
from deployment.host.releases import releases
from deployment.host.values.layout import Environment, Layout

DEV = Environment("dev")
ONE, TWO, THREE, FOUR = (f"{letter * 12}-{letter * 12}" for letter in "abcd")


class Node:
    """What is kept of the releases that came up, without a node."""

    def __init__(self, layout: Layout) -> None:
        self.layout, self.clock = layout, count(1000)
        layout.of("dev").verified.mkdir(parents=True)

    def deploy(self, name: str) -> None:
        """Note a release that came up in place of the current one."""
        (self.layout.of("dev").releases / name).mkdir(parents=True, exist_ok=True)
        self._note(
            name, verified_releases.Place(deployed=True, before=releases.current(self.layout.of("dev")))
        )

    def roll_back(self, name: str, origin: str | None = None) -> None:
        """Note that one went back to `name`, which may be made of another release."""
        (self.layout.of("dev").releases / name).mkdir(exist_ok=True)
        self._note(name, verified_releases.Place(deployed=False, origin=origin))

    def _note(self, name: str, place: verified_releases.Place) -> None:
        mark = self.layout.of("dev").verified / name
        is_new = place.deployed or not mark.exists()
        verified_releases.note(self.layout.of("dev"), name, "helionyx.db", place)
        if is_new and place.origin is None:
            moment = next(self.clock)
            os.utime(mark, (moment, moment))
        link = self.layout.of("dev").current
        link.unlink(missing_ok=True)
        link.symlink_to(self.layout.of("dev").releases / name)

    @property
    def previous(self) -> str | None:
        """The release that a rollback would go to."""
        return releases.previous(self.layout.of("dev"))


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(Layout(tmp_path))


def test_first_release_has_none_before_it(node: Node) -> None:
    """There is nothing to go back to."""
    node.deploy(ONE)
    assert node.previous is None


def test_each_rollback_goes_one_further_back(node: Node) -> None:
    """And never forward to the release that was left."""
    for name in (ONE, TWO, THREE):
        node.deploy(name)
    assert node.previous == TWO
    node.roll_back(TWO)
    assert node.previous == ONE
    node.roll_back(ONE)
    assert node.previous is None


def test_nobody_comes_to_what_was_rolled_back_from(node: Node) -> None:
    """After a rollback and a fixed release, the one before is the good one that it replaced."""
    for name in (ONE, TWO, THREE):
        node.deploy(name)
    node.roll_back(TWO)
    node.deploy(FOUR)
    assert node.previous == TWO


def test_release_made_of_another_is_no_step_back_from_it(node: Node) -> None:
    """Old code with the configuration of today: one goes back to what is older than its code."""
    for name in (ONE, TWO, THREE):
        node.deploy(name)
    node.roll_back(FOUR, origin=TWO)
    assert node.previous == ONE


def test_release_that_is_gone_is_passed_over(node: Node) -> None:
    """The newest of the older ones takes its place."""
    for name in (ONE, TWO, THREE):
        node.deploy(name)
    (node.layout.of("dev").releases / TWO).rmdir()
    assert node.previous == ONE
