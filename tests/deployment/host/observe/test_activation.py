"""The release of a process is known from the last turn of `current` and the process's invocation id alone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deployment.host.node import files, systemd
from deployment.host.node.systemd import Unit
from deployment.host.observe import activation
from deployment.host.observe.activation import Activation, runs
from deployment.host.values.layout import Environment, Layout

DEV = Environment("dev")
TURNED = Activation("new", "old", "i1")


@pytest.mark.parametrize(
    ("known", "current", "invocation", "newer", "expected"),
    [
        (None, "old", "i1", False, "old"),
        (TURNED, "new", "i1", True, "old"),
        (TURNED, "new", "i2", False, "new"),
        (TURNED, "old", "i1", False, "old"),
        (TURNED, "by hand", "i2", False, None),
        (TURNED, "by hand", "i2", True, "by hand"),
        (Activation("new", None, "i1"), "new", "i1", True, None),
    ],
    ids=["by 0.3.0", "older", "newer", "not turned", "by hand", "started by hand", "died meanwhile"],
)
def test_release_of_a_process(
    known: Activation | None, current: str, invocation: str, newer: bool, expected: str | None
) -> None:
    """A start behind the turn is one of the current release; the clock counts only for a turn by hand."""
    assert runs(known, current, invocation, newer=newer) == expected


def _unit(invocation: str, started: float = 0.0) -> Unit:
    values: Any = {"pid": 7, "restarts": 0, "stale": False, "listen": None, "since": "", "sub": ""}
    return Unit(DEV.service, "active", started=started, invocation=invocation, **values)


@dataclass
class Node:
    """A service whose starts have these invocation ids, one for each look at it."""

    layout: Layout
    invocations: Iterator[str]

    def show(self, *_: Any) -> dict[str, Unit]:
        return {DEV.service: _unit(next(self.invocations))}

    def turn(self, release: str) -> None:
        activation.turn(self.layout.of("dev"), release)

    def runs(self, invocation: str) -> str | None:
        return activation.release_of(self.layout.of("dev"), _unit(invocation))


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Node:
    """A node on which `current` was never turned."""
    layout = Layout(tmp_path)
    layout.of("dev").current.parent.mkdir(parents=True)
    made = Node(layout, iter(()))
    monkeypatch.setattr(systemd, "show", made.show)
    return made


def test_two_turns_without_a_start_between_them(node: Node) -> None:
    """The process runs the release that was current when it began, and not the one in between."""
    node.invocations = iter(["", "", "i1", "i1", "i1", "i1"])
    for release in ("a", "b", "c"):
        node.turn(release)
    assert (node.runs("i1"), node.runs("i2")) == ("a", "c")


def test_service_that_died_while_current_was_turned(node: Node) -> None:
    """Its new process may have been started from either release: that is not known, and it starts again."""
    node.invocations = iter(["", "", "i1", "i2"])
    node.turn("a")
    node.turn("b")
    assert (node.runs("i2"), node.runs("i3")) == (None, "b")


def test_turn_that_was_cut_short(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed behind the note and before the turn: the process runs what is current still."""
    node.invocations = iter(["", "", "i1"])
    node.turn("a")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(files, "point", killed)
    with pytest.raises(KeyboardInterrupt):
        node.turn("b")
    assert (node.runs("i1"), node.runs("i2")) == ("a", None)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"release": "a"}'])
def test_note_that_cannot_be_read_is_none(node: Node, content: str) -> None:
    """Such as after a disk that broke: the next turn writes it anew."""
    node.layout.of("dev").activation.write_text(content)
    assert activation.read(node.layout.of("dev")) is None


def test_turn_by_hand(node: Node) -> None:
    """A process that was started again behind it runs that release, and an older one something else."""
    node.invocations = iter(["", ""])
    node.turn("a")
    files.point(node.layout.of("dev").current, Path("releases/b"))
    assert activation.release_of(node.layout.of("dev"), _unit("i1", time.monotonic() + 1)) == "b"
    assert activation.release_of(node.layout.of("dev"), _unit("i1", time.monotonic() - 60)) is None
