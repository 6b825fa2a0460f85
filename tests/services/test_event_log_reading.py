"""Reading a part of the log: by type and by time, in the order of positions, without reading the rest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from services.event_log import Draft, EventLog
from services.event_log import log as log_module
from services.event_log.records import moment
from tests.services.steps import steps

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)

# The clock is set back twice, and once it stands in another century for a moment.
MINUTES = [0, 1, 2, 1, 2, 3, 50_000_000, 4, 4, -7, 5]
TYPES = ["A", "B", "A", "C", "A", "B", "A", "A", "C", "B", "A"]


def at(minutes: float) -> datetime:
    return BEGIN + timedelta(minutes=minutes)


@pytest.fixture
def log(tmp_path: Path) -> EventLog:
    log = EventLog.open(tmp_path / "events")
    log.append(
        [
            Draft(type_, 1 + number % 2, at(minutes), {"n": number})
            for number, (type_, minutes) in enumerate(zip(TYPES, MINUTES, strict=True))
        ]
    )
    return log


def positions(log: EventLog, **selection: object) -> list[int]:
    return [record.position for record in log.read(**selection)]  # type: ignore[arg-type]


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
    log: EventLog,
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
    span = {
        "since": None if since is None else at(since),
        "until": None if until is None else at(until).astimezone(timezone(timedelta(hours=5, minutes=30))),
    }
    assert positions(log, types=types, **span) == expected
    assert positions(log, types=types, after=3, limit=2, **span) == [n for n in expected if n > 3][:2]


def test_a_time_without_a_zone_is_no_time(log: EventLog) -> None:
    with pytest.raises(ValueError, match="time zone"):
        list(log.read(since=datetime(2026, 1, 1)))


def test_texts_of_times_are_in_the_order_of_times() -> None:
    """Which the index relies on."""
    times = [
        datetime(year, 3, 4, 5, 6, 7, micro, UTC)
        for year in (1, 999, 2026, 9999)
        for micro in (0, 10, 999999)
    ]
    texts = [moment(time) for time in times]
    assert texts == sorted(texts)
    assert {len(text) for text in texts} == {27}


def page_steps(log: EventLog, **selection: object) -> int:
    """How many instructions SQLite carries out for one page."""
    assert len(positions(log, limit=10, **selection)) == 10
    return steps(log, lambda: positions(log, limit=10, **selection))


def test_a_page_costs_as_much_in_a_long_log_as_in_a_short_one(tmp_path: Path) -> None:
    """Neither what is before it nor what comes behind is read, except that a span of time is measured."""
    log = EventLog.open(tmp_path)

    def more(count: int, start: int) -> None:
        kinds = [("Common", 1), ("Common", 2)] * 10 + [("Rare", 1)]
        drafts = [Draft(*kinds[n % 21], at(n), {"n": n}) for n in range(start, start + count)]
        log.append(drafts)

    asked: list[dict[str, object]] = [
        {"types": ["Rare"]},
        {"types": ["Common"]},
        {"types": ["Common", "Rare"], "after": 150},
        {"since": at(100), "until": at(120)},
        {"types": ["Common"], "since": at(100), "until": at(130)},
    ]
    more(420, 0)
    few = [page_steps(log, **selection) for selection in asked]
    more(10_000, 420)
    many = [page_steps(log, **selection) for selection in asked]
    assert all(now < 1.2 * then for then, now in zip(few, many, strict=True)), (few, many)
    late = page_steps(log, since=at(10_300))
    assert late < 5_000


def test_a_log_without_the_indexes_is_read_all_the_same(log: EventLog, tmp_path: Path) -> None:
    """One that was made before there were any, and that nobody has appended to since."""
    log._connection.execute("DROP INDEX events_time; DROP INDEX events_type_version")
    reader = EventLog.open(tmp_path / "events", read_only=True)
    assert positions(reader, types=["B"], since=at(1), until=at(4)) == [2, 6]


def test_what_comes_while_it_is_read(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """A span of time without an end takes in what is appended meanwhile."""
    monkeypatch.setattr(log_module, "BATCH", 1)
    reading = log.read(since=at(5))
    assert next(reading).position == 7
    log.append([Draft("A", 1, at(6), {}), Draft("A", 1, at(1), {}), Draft("A", 1, at(7), {})])
    assert [record.position for record in reading] == [11, 12, 14]
