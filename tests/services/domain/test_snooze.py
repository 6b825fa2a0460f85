"""The new due time of a snoozed todo: from its due time or from now, over clock changes as well."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.dates import when
from services.domain.decisions import due_problem
from services.domain.due import is_day, is_overdue, local
from services.domain.snooze import snoozed

VIENNA = ZoneInfo("Europe/Vienna")


def after(due: str | None, until: str, at: str = "2026-02-10 14:30") -> str | None:
    """The new due time; 10 February 2026 is a Tuesday."""
    return snoozed(due, until, datetime.fromisoformat(at).replace(tzinfo=VIENNA), when)


@pytest.mark.parametrize("due", [None, "2026-02-09", "2026-02-10"])
@pytest.mark.parametrize(
    ("until", "new"),
    [
        ("1h", "2026-02-10T14:30:00Z"),
        ("3h", "2026-02-10T16:30:00Z"),
        ("90 minutes", "2026-02-10T15:00:00Z"),
        ("in 2 hours", "2026-02-10T15:30:00Z"),
        ("evening", "2026-02-10T17:00:00Z"),
        ("Tomorrow", "2026-02-11"),
        ("3 days", "2026-02-13"),
        ("weekend", "2026-02-14"),
        ("the weekend", "2026-02-14"),
        ("on the weekend", "2026-02-14"),
        ("next weekend", "2026-02-21"),
        ("weekend 10:00", "2026-02-14T09:00:00Z"),
        ("next week", "2026-02-16"),
        ("friday at 17", "2026-02-13T16:00:00Z"),
        ("2026-12-24", "2026-12-24"),
        ("2026-12-24T16:00Z", "2026-12-24T16:00:00Z"),
    ],
)
def test_without_a_due_time_to_come_it_counts_from_now(due: str | None, until: str, new: str) -> None:
    """A day that is due today counts from now as well."""
    assert after(due, until) == new


@pytest.mark.parametrize(
    ("due", "until", "new"),
    [
        ("2026-02-12T16:00:00Z", "1h", "2026-02-12T17:00:00Z"),
        ("2026-02-12T16:00:00Z", "evening", "2026-02-12T17:00:00Z"),
        ("2026-02-12T17:00:00Z", "evening", "2026-02-13T17:00:00Z"),
        ("2026-02-12T16:00:00Z", "tomorrow", "2026-02-13T16:00:00Z"),
        ("2026-02-12T16:00:00Z", "tomorrow 9:00", "2026-02-13T08:00:00Z"),
        ("2026-02-12T16:00:00Z", "weekend", "2026-02-14T16:00:00Z"),
        ("2026-02-14T16:00:00Z", "weekend", "2026-02-21T16:00:00Z"),
        ("2026-02-15", "weekend", "2026-02-21"),
        ("2026-02-12T16:00:00Z", "next week", "2026-02-16T16:00:00Z"),
        ("2026-02-12T23:30:00Z", "tomorrow", "2026-02-13T23:30:00Z"),
        ("2026-02-12", "tomorrow", "2026-02-13"),
        ("2026-02-12", "1h", "2026-02-12T09:00:00Z"),
        ("2026-02-12", "evening", "2026-02-12T17:00:00Z"),
        ("2026-02-12", "next week", "2026-02-16"),
    ],
)
def test_it_counts_from_a_due_time_to_come(due: str, until: str, new: str) -> None:
    assert after(due, until) == new


@pytest.mark.parametrize(
    ("due", "until", "new"),
    [
        ("2026-02-09T16:00:00Z", "tomorrow", "2026-02-11T16:00:00Z"),
        ("2026-02-10T13:30:00Z", "1h", "2026-02-10T14:30:00Z"),
        ("2026-02-09T16:00:00Z", "evening", "2026-02-10T17:00:00Z"),
        ("2026-02-09T16:00:30Z", "friday", "2026-02-13T16:00:30Z"),
    ],
)
def test_an_overdue_todo_counts_from_now_and_keeps_its_time_of_day(due: str, until: str, new: str) -> None:
    assert after(due, until) == new


@pytest.mark.parametrize(
    ("due", "until", "new"),
    [
        # Forward on 29 March at 2:00, back on 25 October at 3:00.
        ("2026-03-28T16:00:00Z", "tomorrow", "2026-03-29T15:00:00Z"),
        ("2026-03-28T01:30:00Z", "tomorrow", "2026-03-29T01:30:00Z"),
        ("2026-10-24T15:00:00Z", "tomorrow", "2026-10-25T16:00:00Z"),
        ("2026-10-24T00:30:00Z", "tomorrow", "2026-10-25T00:30:00Z"),
        ("2026-03-29T00:30:00Z", "1h", "2026-03-29T01:30:00Z"),
        ("2026-03-27T16:00:00Z", "next week", "2026-03-30T15:00:00Z"),
    ],
)
def test_a_clock_change_keeps_the_time_of_day(due: str, until: str, new: str) -> None:
    """A time that is left out is an hour later; of one that comes twice, the first counts."""
    assert after(due, until, "2026-02-10 14:30") == new


@pytest.mark.parametrize("until", ["", "none", "someday", "in", "1", "weekendish", "\x00", "1h" * 500, "ü"])
@pytest.mark.parametrize("due", [None, "2026-02-12"])
def test_other_texts_are_no_time(due: str | None, until: str) -> None:
    assert after(due, until) is None


@pytest.mark.parametrize("due", ["0001-01-01", "0001-01-01T00:00:00Z", "9999-12-31", "9999-12-31T23:59:59Z"])
@pytest.mark.parametrize("until", ["1h", "tomorrow", "weekend", "next week"])
def test_the_ends_of_the_calendar_stop_nothing(due: str, until: str) -> None:
    new = after(due, until)
    assert new is None or due_problem(new) is None


@settings(max_examples=50, deadline=None)
@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)),
    st.datetimes(datetime(1950, 1, 1), datetime(2150, 1, 1)),
    st.sampled_from(["1h", "3h", "evening", "tomorrow", "weekend", "next week"]),
    st.sampled_from(["Europe/Vienna", "Pacific/Auckland", "America/Los_Angeles", "Australia/Lord_Howe"]),
    st.sampled_from(["day", "moment"]),
)
def test_a_snooze_ends_after_now_and_after_the_due_time(
    now: datetime, due: datetime, until: str, zone: str, kind: str
) -> None:
    here = now.replace(tzinfo=ZoneInfo(zone))
    before = due.date().isoformat() if kind == "day" else due.isoformat(timespec="seconds") + "Z"
    new = snoozed(before, until, here, when)
    assert new is not None
    assert not is_overdue(new, here)
    if not is_day(before) and not is_day(new):
        assert datetime.fromisoformat(new) > datetime.fromisoformat(before)
    if not is_day(before) and until in ("tomorrow", "weekend", "next week"):
        clocks = [local(datetime.fromisoformat(time), here.tzinfo) for time in (before, new)]  # type: ignore[arg-type]
        # A time that a clock change leaves out is up to an hour later.
        assert clocks[0].time() == clocks[1].time() or clocks[1].date().month in (3, 4, 9, 10)
