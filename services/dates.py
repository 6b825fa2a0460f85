"""What people call a day or a time. docs/GRAMMAR.md says what is understood, and is the test of this."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta

_MONTH = "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_YEAR = r"[1-9]\d{3}"  # dateutil would guess a century for 0026
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_CLOCK = r"(?:at\s+)?(?P<clock>\d{1,2}:\d\d|(?:1[0-2]|0?[1-9])(?::\d\d)?\s*[ap]m)"
_DAY = (
    r"(?P<day>today|tomorrow|next\s+week|in\s+\d{1,4}\s+(?:day|week|month)s?"
    rf"|\d{{4}}-\d\d-\d\d|\d{{1,2}}\s+{_MONTH}(?:\s+{_YEAR})?|{_MONTH}\s+\d{{1,2}}(?:\s+{_YEAR})?|[a-z]+)"
)
_SHAPES = [
    re.compile(shape, re.ASCII) for shape in (_DAY, _CLOCK, rf"{_DAY}\s+{_CLOCK}", rf"{_CLOCK}\s+{_DAY}")
]
_SOON = re.compile(r"in\s+(\d{1,4})\s+(minute|hour)s?", re.ASCII)


def when(text: str, now: datetime) -> str | None:
    """What `text` means at `now`, in the time zone of that: a day `2026-02-11`, or a moment in UTC.

    None where it is no day and no time. A time that a clock change leaves out is that much later; of one that
    comes twice, the first is meant.
    """
    words = " ".join(text.lower().split())
    try:
        soon = _SOON.fullmatch(words)
        if soon is not None:
            return in_utc(now.astimezone(UTC) + timedelta(**{f"{soon[2]}s": int(soon[1])}))
        for shape in _SHAPES:
            found = shape.fullmatch(words)
            if found is not None:
                parts = found.groupdict()
                return _combined(parts.get("day"), parts.get("clock"), now)
    except (ValueError, OverflowError):  # there is no such day or time
        return None
    return None


def _combined(day: str | None, clock: str | None, now: datetime) -> str:
    if clock is None:
        return _day(day or "", now.date()).isoformat()
    at = _clock(clock)
    if day is not None:
        return _moment(_day(day, now.date()), at, now)
    today = _moment(now.date(), at, now)
    return today if today > in_utc(now) else _moment(now.date() + timedelta(days=1), at, now)


def _day(words: str, today: date) -> date:
    """Raises ValueError for what is no day."""
    from dateutil.relativedelta import relativedelta  # only when somebody names a day: it takes memory

    if words in ("today", "tomorrow"):
        return today + timedelta(days=words == "tomorrow")
    if words == "next week":
        return today + timedelta(days=7 - today.weekday())
    if words.startswith("in "):
        _, count, unit = words.split()
        return today + relativedelta(**{f"{unit.rstrip('s')}s": int(count)})  # type: ignore[arg-type]
    if words.isalpha():
        return today + timedelta(days=(_weekday(words) - today.weekday() - 1) % 7 + 1)
    if re.fullmatch(r"\d{4}-\d\d-\d\d", words):
        return date.fromisoformat(words)
    return _of_the_calendar(words, today)


def _weekday(words: str) -> int:
    """The weekday that `words` are the beginning of, with three letters or more. Raises ValueError."""
    found = [number for number, name in enumerate(_WEEKDAYS) if len(words) >= 3 and name.startswith(words)]
    if not found:
        raise ValueError(words)
    return found[0]


def _of_the_calendar(words: str, today: date) -> date:
    """A day and a month; without a year, the next such day from today on. Raises ValueError."""
    from dateutil.parser import parse

    if re.search(r"\d{4}$", words):
        return parse(words).date()
    for year in range(today.year, today.year + 9):  # 29 February may be that far away
        try:
            found = parse(f"{words} {year}").date()
        except ValueError:
            continue
        if found >= today:
            return found
    raise ValueError(words)


def _clock(words: str) -> time:
    """Raises ValueError for what is no time of a day."""
    from dateutil.parser import parse

    return parse(words).time()


def _moment(day: date, at: time, now: datetime) -> str:
    from dateutil.tz import resolve_imaginary

    return in_utc(resolve_imaginary(datetime.combine(day, at, now.tzinfo)))


def in_utc(moment: datetime) -> str:
    """A moment as `due` has it: RFC 3339, UTC, whole seconds. Raises OverflowError behind the year 9999."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
