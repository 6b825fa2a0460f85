"""What a release's program reads in a log is text of whoever could write the log: all of it is typed."""

from __future__ import annotations

from typing import Any

import pytest

from deployment.host.event_log import log_commands
from deployment.host.values.errors import StepFailed
from deployment.host.values.layout import Environment, Layout
from deployment.host.values.log import Log
from tests.deployment.shelves import release

DEV = Environment("dev")
WHOLE: dict[str, Any] = {
    "position": 9,
    "hash": "f" * 64,
    "holds": {"Said": [1, 2]},
    "said": {"position": 8, "hash": "e" * 64},
    "at": {"position": 5, "hash": "a" * 64, "said_behind": 3},
}


def head(monkeypatch: pytest.MonkeyPatch, answer: Any) -> tuple[Log, log_commands.At]:
    """The log that comes of a program's answer."""
    monkeypatch.setattr(log_commands, "ask", lambda *_, **__: answer)
    return log_commands.head(Layout().of("dev"), release(Layout()), at=5)


def test_whole_answer_is_taken_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """A release of before notes of starts tells only position, hash and types."""
    log, at = head(monkeypatch, WHOLE)
    assert log == Log(9, "f" * 64, {"Said": [1, 2]}, said=(8, "e" * 64))
    assert at == log_commands.At("a" * 64, 3)
    older, at = head(monkeypatch, {key: WHOLE[key] for key in ("position", "hash")})
    assert (older, at) == (Log(9, "f" * 64), log_commands.At(None, 4))


@pytest.mark.parametrize(
    "change",
    [
        {"position": -1},
        {"position": "9"},
        {"position": 1 << 70},
        {"hash": "f" * 63},
        {"hash": None},
        {"holds": [1]},
        {"holds": {"Said": 1}},
        {"holds": {"Said": ["x"]}},
        {"holds": {"x" * 300: [1]}},
        {"holds": {str(number): [1] for number in range(2000)}},
        {"said": {"position": 1}},
        {"at": {"hash": "\x1b[2J"}},
        {"at": "x"},
    ],
    ids=range(13),
)
def test_odd_answer_is_no_log(monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]) -> None:
    """It is a failure of the step, and no traceback."""
    with pytest.raises(StepFailed, match="has no log that a release writes"):
        head(monkeypatch, WHOLE | change)


HASHES = {"3": "a" * 64, "9": None}


def hashes(monkeypatch: pytest.MonkeyPatch, answer: Any) -> tuple[Log, dict[int, str | None]]:
    """The hashes that come of a program's answer."""
    monkeypatch.setattr(log_commands, "ask", lambda *_, **__: answer)
    return log_commands.hashes(Layout().of("dev"), release(Layout()), [3, 9])


def test_hashes_at_positions(monkeypatch: pytest.MonkeyPatch) -> None:
    """All in one answer; a release of version 0.3.0 is asked for each position."""
    assert hashes(monkeypatch, WHOLE | {"hashes": HASHES})[1] == {3: "a" * 64, 9: None}
    assert hashes(monkeypatch, WHOLE)[1] == {3: "a" * 64, 9: "a" * 64}


@pytest.mark.parametrize("change", [{"hash": None}, {"hashes": {"x": None}}, {"hashes": {"3": "\x1b"}}])
def test_odd_hashes_are_no_log(monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]) -> None:
    """One environment's answer is that environment's problem, and no end of the others."""
    with pytest.raises(StepFailed, match="has no log that a release writes"):
        hashes(monkeypatch, WHOLE | {"hashes": HASHES} | change)
