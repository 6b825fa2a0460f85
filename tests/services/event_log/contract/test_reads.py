"""Reading: in the order of positions, all of a log or a selection."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta, timezone

import pytest

from services.event_log import log as log_module
from services.event_log.backend import Backend
from services.event_log.log import BATCH, EventLog
from services.event_log.reading import Selection
from services.event_log.records import Entry, new_entry
from services.event_log.summary import GENESIS, Head
from tests.services.event_log.contract.dated import MINUTES, TYPES, at, fill, positions

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)


def draft(text: str, key: str | None = None) -> Entry:
    return new_entry("MessageRecorded", 1, NOW, {"text": text, "source": "test"}, key)


def texts(log: EventLog) -> list[object]:
    return [record.entry().data["text"] for record in log.read()]


def test_reading_a_part(log: EventLog) -> None:
    """`after` is not included, `limit` counts."""
    log.append([draft(str(number)) for number in range(5)])
    assert [record.position for record in log.read(after=2)] == [3, 4, 5]
    assert [record.position for record in log.read(after=1, limit=2)] == [2, 3]
    assert list(log.read(after=5)) == []
    assert list(log.read(limit=0)) == []


def test_reading_more_than_a_batch(log: EventLog) -> None:
    """Batches join without a gap or a repeat."""
    log.append([draft(str(number)) for number in range(2 * BATCH + 1)])
    assert [record.position for record in log.read()] == list(range(1, 2 * BATCH + 2))
    assert len(list(log.read(limit=BATCH + 1))) == BATCH + 1


@pytest.fixture
def dated(log: EventLog) -> EventLog:
    """A log of records of several types and times."""
    fill(log)
    return log


@pytest.mark.parametrize("size", [1, 2, 1000])
@pytest.mark.parametrize("types", [None, [], ["A"], ["B", "C"], ["A", "B", "C"], ["missing", "C"]])
@pytest.mark.parametrize(
    ("since", "until"),
    [
        (None, None),
        (2, None),
        (None, 2),
        (1, 4),
        (2, 2),
        (3, 1),
        (-100, -7),
        (-7, 0),
        (90_000_000, None),
        (6, 7),
    ],
)
def test_it_is_what_a_look_at_each_record_finds(
    dated: EventLog,
    monkeypatch: pytest.MonkeyPatch,
    size: int,
    types: list[str] | None,
    since: float | None,
    until: float | None,
) -> None:
    """Whatever is asked for together, and in pages of whatever size."""
    monkeypatch.setattr(log_module, "BATCH", size)
    expected = [
        position
        for position, (type_, minutes) in enumerate(zip(TYPES, MINUTES, strict=True), start=1)
        if (types is None or type_ in types)
        and (since is None or minutes >= since)
        and (until is None or minutes < until)
    ]
    selection = Selection(
        None if types is None else tuple(types),
        None if since is None else at(since),
        None if until is None else at(until).astimezone(timezone(timedelta(hours=5, minutes=30))),
    )
    assert positions(dated, selection) == expected
    assert positions(dated, selection, 3, 2) == [n for n in expected if n > 3][:2]


def test_a_time_without_a_zone_is_no_time(dated: EventLog) -> None:
    with pytest.raises(ValueError, match="time zone"):
        list(dated.read(selection=Selection(since=datetime(2026, 1, 1))))


def test_what_comes_while_it_is_read(dated: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """A span of time without an end takes in what is appended meanwhile."""
    monkeypatch.setattr(log_module, "BATCH", 1)
    reading = dated.read(selection=Selection(since=at(5)))
    assert next(reading).position == 7
    dated.append([new_entry("A", 1, at(6), {}), new_entry("A", 1, at(1), {}), new_entry("A", 1, at(7), {})])
    assert [record.position for record in reading] == [11, 12, 14]


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
def test_contents(
    log: EventLog, backend: Backend, events: list[tuple[str, int]], held: dict[str, tuple[int, ...]]
) -> None:
    """Exactly the types and versions of its records, in order, for an appender and for a reader."""
    log.append([new_entry(type_, version, NOW, {}) for type_, version in events])
    with contextlib.closing(backend.summary()) as summary:
        contents = summary.contents()
    assert contents == log.contents()
    assert contents.holds == held
    assert list(contents.holds) == sorted(held)
    assert contents.head.position == len(events)


def test_starts_and_stops_say_nothing(log: EventLog) -> None:
    """The last record of somebody is told from those that services note of themselves, and these counted."""
    assert log.contents().said == Head(0, GENESIS)
    notes = [new_entry(type_, 1, NOW, {"release": "r"}) for type_ in ("ServiceStarted", "ServiceStopped")]
    said = [log.append([*notes, draft(text), *notes])[2] for text in "ab"][-1]
    assert log.contents().said == Head(said.position, said.hash)
    assert [log.said_behind(position) for position in (0, 2, 3, 7, 8, 10, 99)] == [2, 2, 1, 1, 0, 0, 0]


def test_replay(log: EventLog) -> None:
    """The events with their positions, parsed."""
    log.append([draft(text) for text in "abc"])
    assert [(event.position, event.data["text"]) for event in log.replay(1)] == [(2, "b"), (3, "c")]
    assert [event.position for event in log.replay(0, 2)] == [1, 2]


def test_find(log: EventLog) -> None:
    """A record is found by its idempotency key, byte for byte."""
    records = log.append([draft("a", "k"), draft("b"), draft("c", "K"), draft("d", "k\0")])
    keys = ("k", "K", "k\0", "b", "")
    assert [log.find(key) for key in keys] == [records[0], records[2], records[3], None, None]
