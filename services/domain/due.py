"""The days and moments by which todos are due, compared in the time zone of a clock.

A day is the text `2026-02-11` and is that day where the person lives; a moment is `2026-02-11T16:00:00Z`, in
UTC. As texts they must not be compared: 17:00 on 24 December in Los Angeles is written with the 25th.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import NamedTuple

FIRST, LAST = datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 12, 30, tzinfo=UTC)
"""A moment beyond counts as these: there is no year 0 and no year 10000 for a time zone to lead to."""


class Until(NamedTuple):
    """The todos that are due before a time: those of a day up to `day`, and of a moment before `moment`."""

    day: str
    moment: str


def is_day(due: str) -> bool:
    """Whether `due` is a day, and not a moment."""
    return len(due) == len("2026-02-11")


def local(moment: datetime, zone: tzinfo) -> datetime:
    """`moment` as the clocks of `zone` show it."""
    return min(max(moment, FIRST), LAST).astimezone(zone)


def day_of(due: str, zone: tzinfo) -> date:
    """The day in `zone` on which a todo is due."""
    return date.fromisoformat(due) if is_day(due) else local(datetime.fromisoformat(due), zone).date()


def is_overdue(due: str, now: datetime) -> bool:
    """Whether the time has passed at `now`: a day when it is over in the zone of `now`, a moment at once."""
    if is_day(due):
        return date.fromisoformat(due) < now.date()
    return datetime.fromisoformat(due) <= now


def order(due: str | None, now: datetime) -> tuple[bool, bool, str, str]:
    """A key that sorts what is overdue first, then by local days at `now`, a day before its moments."""
    if due is None:
        return True, True, "", ""
    day = day_of(due, now.tzinfo or UTC).isoformat()
    return False, not is_overdue(due, now), day, "" if is_day(due) else due


def until_of(text: str, zone: tzinfo) -> Until:
    """The limit for todos due before `text`, a day or a moment. The days before a moment include its own."""
    if not is_day(text):
        return Until(day_of(text, zone).isoformat(), text)
    day = date.fromisoformat(text)
    before = "" if day == date.min else (day - timedelta(days=1)).isoformat()
    if FIRST.date() <= day <= LAST.date():
        midnight = datetime.combine(day, time(), zone).astimezone(UTC)
        text = midnight.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
    return Until(before, text)
