"""Reading a part of the log: by type and by time, in the order of positions, without reading the rest."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.event_log.reading import Selection
from services.event_log.records import moment, new_entry
from services.event_log.sqlite.log import SqliteLog
from tests.services.event_log.contract.dated import at, fill, positions
from tests.services.steps import steps


@pytest.fixture
def log(tmp_path: Path) -> SqliteLog:
    log = SqliteLog.open(tmp_path / "events")
    fill(log)
    return log


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


def page_steps(log: SqliteLog, selection: Selection, after: int = 0) -> int:
    """How many instructions SQLite carries out for one page."""
    assert len(positions(log, selection, after, 10)) == 10
    return steps(log, lambda: positions(log, selection, after, 10))


def test_a_page_costs_as_much_in_a_long_log_as_in_a_short_one(tmp_path: Path) -> None:
    """Neither what is before it nor what comes behind is read, except that a span of time is measured."""
    log = SqliteLog.open(tmp_path)

    def more(count: int, start: int) -> None:
        kinds = [("Common", 1), ("Common", 2)] * 10 + [("Rare", 1)]
        drafts = [new_entry(*kinds[n % 21], at(n), {"n": n}) for n in range(start, start + count)]
        log.append(drafts)

    asked = [
        (Selection(("Rare",)), 0),
        (Selection(("Common",)), 0),
        (Selection(("Common", "Rare")), 150),
        (Selection(None, at(100), at(120)), 0),
        (Selection(("Common",), at(100), at(130)), 0),
    ]
    more(420, 0)
    few = [page_steps(log, *selection) for selection in asked]
    more(10_000, 420)
    many = [page_steps(log, *selection) for selection in asked]
    assert all(now < 1.2 * then for then, now in zip(few, many, strict=True)), (few, many)
    late = page_steps(log, Selection(since=at(10_300)))
    assert late < 5_000


def test_a_log_without_the_indexes_is_read_all_the_same(log: SqliteLog, tmp_path: Path) -> None:
    """One that was made before there were any, and that nobody has appended to since."""
    log._connection.execute("DROP INDEX events_time; DROP INDEX events_type_version")
    reader = SqliteLog.open(tmp_path / "events", read_only=True)
    assert positions(reader, Selection(("B",), at(1), at(4))) == [2, 6]
