"""What is due when, of things and a clock alone."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.domain.items import Item
from services.telegram.schedule import Hours, due_at, reminded, summarised

VIENNA = ZoneInfo("Europe/Vienna")
NIGHT = Hours(VIENNA, (time(22), time(8)), time(8))


def at(text: str, hours: Hours = NIGHT, fold: int = 0) -> datetime:
    """A moment as the clocks show it."""
    return datetime.fromisoformat(text).replace(tzinfo=hours.zone, fold=fold).astimezone(UTC)


def todo(due: str | None, number: int = 5, state: str = "open", created: str = "2026-01-01T12:00") -> Item:
    """Something that is to be done."""
    made = at(created)
    return Item(number, "todo", state, "buy milk", (), made, made, due)


def is_reminded(due: str, now: str, hours: Hours = NIGHT, **more: str) -> bool:
    """Whether somebody hears of it then."""
    return bool(reminded([todo(due, **more)], at(now), hours))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("due", "expected"),
    [
        ("2026-02-11", "2026-02-11T08:00"),
        ("2026-02-11T16:00:00Z", "2026-02-11T17:00"),
        ("2026-02-11T20:59:00Z", "2026-02-11T21:59"),
        ("2026-02-11T21:00:00Z", "2026-02-12T08:00"),
        ("2026-02-11T02:00:00Z", "2026-02-11T08:00"),
        ("2026-02-11T07:00:00Z", "2026-02-11T08:00"),
    ],
)
def test_a_day_begins_when_the_quiet_hours_end_and_a_moment_waits_for_that(due: str, expected: str) -> None:
    """The first minute of the quiet hours is quiet, the last one is not."""
    assert due_at(due, NIGHT) == at(expected)


@pytest.mark.parametrize("due", ["0001-01-01", "0001-01-01T00:00:00Z", "9999-12-31", "9999-12-31T23:59:59Z"])
@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Kiritimati"])
@pytest.mark.parametrize("quiet", [None, (time(22), time(8))])
def test_the_ends_of_the_calendar_stop_nothing(due: str, zone: str, quiet: tuple[time, time] | None) -> None:
    """One such todo would silence all others."""
    hours = Hours(ZoneInfo(zone), quiet, None)
    assert isinstance(reminded([todo(due)], at("2026-02-11T12:00"), hours), tuple)
    assert hours.local(due_at(due, hours)).year in (1, 2, 9998)


def test_without_quiet_hours_a_day_begins_in_the_morning_all_the_same() -> None:
    """Days begin at the time of the summary, or at eight, not at midnight. A moment stays as it is."""
    hours = Hours(VIENNA, None, None)
    assert due_at("2026-02-11", hours) == at("2026-02-11T08:00")
    assert due_at("2026-02-11", Hours(VIENNA, None, time(6, 30))) == at("2026-02-11T06:30")
    assert due_at("2026-02-11T02:00:00Z", hours) == at("2026-02-11T03:00")


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-02-11T07:59", False),
        ("2026-02-11T08:00", True),
        ("2026-02-11T21:59", True),
        ("2026-02-11T22:00", False),
        ("2026-02-12T08:00", False),
    ],
)
def test_what_was_missed_is_told_on_the_same_day_alone(now: str, expected: bool) -> None:
    """Outside of the quiet hours; the next day has it in its summary."""
    assert is_reminded("2026-02-11", now) is expected


def test_who_adds_it_afterwards_knows_it() -> None:
    """What is due today and was said this afternoon is not told back at once."""
    assert not is_reminded("2026-02-11", "2026-02-11T15:01", created="2026-02-11T15:00")
    assert is_reminded("2026-02-11T15:00:00Z", "2026-02-11T16:00", created="2026-02-11T15:00")


def test_only_open_todos_with_a_time() -> None:
    """And those that are due first, first."""
    now = at("2026-02-11T18:00")
    todos = [
        todo("2026-02-11T16:00:00Z", 1),
        todo("2026-02-11", 2),
        todo(None, 3),
        todo("2026-02-11", 4, "done"),
        todo("2026-02-11", 6, "cancelled"),
        todo("2026-02-12", 7),
    ]
    assert [found.position for found in reminded(todos, now, NIGHT)] == [2, 1]


def test_quiet_hours_in_the_middle_of_a_day() -> None:
    """Somebody may sleep at noon."""
    hours = Hours(VIENNA, (time(12), time(14)), time(13))
    assert due_at("2026-02-11T11:30:00Z", hours) == at("2026-02-11T14:00")
    assert not is_reminded("2026-02-11T10:30:00Z", "2026-02-11T12:30", hours)
    assert is_reminded("2026-02-11T10:30:00Z", "2026-02-11T14:00", hours)
    assert summarised(at("2026-02-11T13:59"), hours) is None
    assert summarised(at("2026-02-11T14:00"), hours) == at("2026-02-11T14:00").date()


@pytest.mark.parametrize(
    ("now", "day"),
    [
        ("2026-02-11T07:59", None),
        ("2026-02-11T08:00", 11),
        ("2026-02-11T21:59", 11),
        ("2026-02-11T22:00", None),
    ],
)
def test_the_summary_of_a_day(now: str, day: int | None) -> None:
    """From its time on, so that it is told also where that was missed; never while it is quiet."""
    found = summarised(at(now), NIGHT)
    assert (found and found.day) == day


def test_a_summary_in_the_quiet_hours_waits() -> None:
    """One of the evening for the morning, which it is then one of; and there may be none."""
    late = Hours(VIENNA, (time(22), time(8)), time(23))
    assert summarised(at("2026-02-11T23:30"), late) is None
    assert str(summarised(at("2026-02-12T08:00"), late)) == "2026-02-12"
    assert summarised(at("2026-02-11T12:00"), Hours(VIENNA, None, None)) is None


def test_the_day_on_which_the_clocks_go_forward() -> None:
    """02:30 does not exist: it is 03:30; a day of 23 hours has its reminder and its summary once."""
    hours = Hours(VIENNA, (time(22), time(2, 30)), time(2, 30))
    assert due_at("2026-03-29", hours) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    found = [moment for moment in _hours_of("2026-03-29", 23) if summarised(moment, hours)]
    assert found[0] == datetime(2026, 3, 29, 2, tzinfo=UTC)
    assert all(str(summarised(moment, hours)) == "2026-03-29" for moment in found)


def test_the_day_on_which_the_clocks_go_back() -> None:
    """02:30 comes twice: the first one counts, and while it is quiet by the clock it stays quiet."""
    hours = Hours(VIENNA, (time(22), time(2, 30)), time(2, 30))
    first, second = at("2026-10-25T02:30", hours), at("2026-10-25T02:30", hours, fold=1)
    assert second - first == timedelta(hours=1)
    assert due_at("2026-10-25", hours) == first
    assert not reminded([todo("2026-10-25")], second - timedelta(minutes=5), hours)
    assert reminded([todo("2026-10-25")], second, hours)


def _hours_of(day: str, count: int) -> list[datetime]:
    return [at(f"{day}T00:00") + timedelta(hours=hour) for hour in range(count)]
