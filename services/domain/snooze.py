"""The new due time of a todo that is snoozed."""

from __future__ import annotations

import re
from datetime import date, datetime, time, tzinfo

from services.domain.due import is_day, is_overdue, local
from services.domain.grammar import When

MORNING = time(9)
"""Hours count from here on the day of a todo that is due on a later day."""

_WEEKEND = re.compile(r"\b(?:(?:at|on) )?(?:the )?weekend\b", re.IGNORECASE)


def snoozed(due: str | None, until: str, now: datetime, when: When) -> str | None:
    """The day or the moment to which `until`, such as `1h` or `tomorrow`, moves a todo; None for no time.

    Counted from `due`, or from `now` if that has passed or there is none. `now` is in the zone of the
    environment. A todo that is due at a time of day keeps that time on another day.
    """
    start = _start(due, now)
    text = _WEEKEND.sub("saturday", until)
    time_given = when(text, start) or when(f"in {text}", start)
    if time_given is None or due is None or is_day(due) or not is_day(time_given):
        return time_given
    clock = local(datetime.fromisoformat(due), _zone_of(now)).time()
    # Read as a text, so that clock changes are treated as everywhere.
    return when(f"{time_given} {clock:%H:%M:%S}", start)


def _start(due: str | None, now: datetime) -> datetime:
    """The moment from which a snooze counts."""
    if due is None or is_overdue(due, now):
        return now
    if not is_day(due):
        return local(datetime.fromisoformat(due), _zone_of(now))
    day = date.fromisoformat(due)
    return now if day == now.date() else datetime.combine(day, MORNING, now.tzinfo)


def _zone_of(now: datetime) -> tzinfo:
    assert now.tzinfo is not None
    return now.tzinfo
