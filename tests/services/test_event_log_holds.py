"""Which events the log holds: asked of an index, whatever the log's length, where the log has it."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.event_log import Draft, EventLog
from services.event_log.errors import DamagedError
from services.event_log.summary import MOST, Summary
from tests.services.steps import steps

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def drafts(*events: tuple[str, int]) -> list[Draft]:
    return [Draft(type_, version, NOW, {}) for type_, version in events]


@pytest.mark.parametrize(
    ("events", "held"),
    [
        ([], {}),
        ([("A", 1)], {"A": (1,)}),
        ([("A", 1), ("A", 1), ("A", 2), ("A", 1)], {"A": (1, 2)}),
        ([("B", 10), ("A", 3), ("B", 9), ("A", 1)], {"A": (1, 3), "B": (9, 10)}),
        ([("B", 2), ("A", 1), ("AA", 1), ("a", 1)], {"A": (1,), "AA": (1,), "B": (2,), "a": (1,)}),
        ([("größe", 0), ("", -1)], {"": (-1,), "größe": (0,)}),
    ],
)
def test_what_it_holds(
    tmp_path: Path, events: list[tuple[str, int]], held: dict[str, tuple[int, ...]]
) -> None:
    """Exactly the types and versions of its records, in order, for who appends and for who only reads."""
    log = EventLog.open(tmp_path)
    log.append(drafts(*events))
    assert log.holds() == EventLog.open(tmp_path, read_only=True).holds() == held
    assert list(log.holds()) == sorted(held)


def test_it_takes_as_long_for_many_records_as_for_few(tmp_path: Path) -> None:
    """The work depends on how many types and versions there are."""
    kinds = [("A", 1), ("A", 2), ("B", 1)]
    log = EventLog.open(tmp_path)
    log.append(drafts(*kinds))
    few = steps(log, log.holds)
    log.append(drafts(*kinds * 1000))
    assert log.holds() == {"A": (1, 2), "B": (1,)}
    assert steps(log, log.holds) < 2 * few


def test_a_log_that_does_not_exist(tmp_path: Path) -> None:
    """Holds nothing."""
    assert EventLog.open(tmp_path / "missing", read_only=True).holds() == {}


def test_a_damaged_record_stops_nobody_from_asking(tmp_path: Path) -> None:
    """The index alone is read; `verify` finds the damage."""
    log = EventLog.open(tmp_path)
    log.append(drafts(("B", 1), ("A", 1)))
    log.close()
    path = tmp_path / "events.db"
    data = path.read_bytes().replace(b'"type":"B"', b'"type":"A"')
    path.write_bytes(data.replace(b'"data":{}}', b'"data":{]x'))
    damaged = EventLog.open(tmp_path, read_only=True)
    assert (damaged.holds(), damaged.verify()) == ({"A": (1,), "B": (1,)}, 1)


def test_a_log_of_very_many_types_is_damaged(tmp_path: Path) -> None:
    """Nobody who asks takes them all into memory: a million of them fit into a small file."""
    with contextlib.closing(EventLog.open(tmp_path)) as log:
        log.append(drafts(*((f"T{number}", 1) for number in range(MOST - 1))))
        assert len(log.holds()) == MOST - 1
        log.append(drafts(("U", 1)))
    with contextlib.closing(Summary.of(tmp_path)) as summary:
        for ask in (summary.holds, summary.said):
            with pytest.raises(DamagedError, match="1,000 types of events or more"):
                ask()
