"""The days and times that people write. docs/GRAMMAR.md lists the forms, and its tables are tests of this.

A grammar of its own: the libraries that read dates guess at what is ambiguous (`10`, `11/12`), read other
words in other versions, and take a tenth of a second to import. dateutil does the arithmetic of months and
of clocks that change.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta

LONGEST = 80
"""A text of more characters is no time."""

FURTHEST = 100
"""A day further away than so many years, in either direction, is taken for a slip of the hand."""

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_SPELLED = "one two three four five six seven eight nine ten eleven twelve"
_NUMBERS = {
    "a": 1,
    "an": 1,
    **dict(zip(_SPELLED.split(), range(1, 13), strict=True)),
}
_UNITS = {
    **dict.fromkeys(("d", "day", "days"), "days"),
    **dict.fromkeys(("w", "wk", "wks", "week", "weeks"), "weeks"),
    **dict.fromkeys(("mo", "month", "months"), "months"),
    **dict.fromkeys(("y", "yr", "yrs", "year", "years"), "years"),
}
_CLOCK_UNITS = {
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), "hours"),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), "minutes"),
}

_COUNT = rf"(?:\d{{1,4}}|(?:{'|'.join(sorted(_NUMBERS, reverse=True))})(?![a-z]))"
_IN_DAYS = re.compile(rf"in ({_COUNT}) ?({'|'.join(_UNITS)})")
_SPAN = rf"(\d{{1,4}}(?:\.\d{{1,2}})?|{_COUNT}) ?({'|'.join(_CLOCK_UNITS)})(?![a-z])"
_IN_HOURS = re.compile(rf"in {_SPAN}(?: ?(?:and )?{_SPAN})?")

_TWELVE = r"(?:1[0-2]|0?[1-9])(?:[:.]\d\d)? ?[ap]\.?m"
_CLOCK = rf"(?:at )?{_TWELVE}|(?:at )?\d{{1,2}}:\d\d(?::\d\d)?|at \d{{1,2}}(?:\.\d\d)?(?: ?h)?"
_CLOCK_FIRST = re.compile(rf"({_CLOCK})(?: (.+))?")
_CLOCK_LAST = re.compile(rf"(.+?) ({_CLOCK})")

_YEAR = r"([1-9]\d{3})"  # nobody knows the century of a shorter one
_DATES = (
    (re.compile(rf"{_YEAR}([-/.])(\d\d?)\2(\d\d?)"), (1, 3, 4)),
    (re.compile(rf"(\d\d?)\.(\d\d?)\.{_YEAR}?"), (3, 2, 1)),
    (re.compile(rf"(?:the )?(\d\d?)(?:st|nd|rd|th|\.)? (?:of )?([a-z]+)\.?(?: {_YEAR})?"), (3, 2, 1)),
    (re.compile(rf"([a-z]+)\.? (?:the )?(\d\d?)(?:st|nd|rd|th)?(?: {_YEAR})?"), (3, 1, 2)),
    (re.compile(r"(?:the )?(\d\d?)(?:st|nd|rd|th)()()"), (3, 2, 1)),
)
"""Calendar days, and which groups hold the year, the month and the day."""

_ISO = re.compile(rf"{_YEAR}-\d\d-\d\d[t ]\d\d:\d\d(?::\d\d(?:\.\d{{1,6}})?)? ?(?:z|utc|[+-]\d\d(?::?\d\d)?)")

_REWRITES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), plain)
    for pattern, plain in (
        (r"^(?:on |by |until |till )+", ""),
        (r"^within ", "in "),
        (r"^(.+) from (?:now|today)$", r"in \1"),
        (r"^(?:at )?midnight$", "0:00"),
        (r"\bhalf an hour\b", "30 minutes"),
        (r"\bfortnight\b", "2 weeks"),
        (r"\b(?:a|one) 2 weeks\b", "2 weeks"),
        (r"\btonight\b", "today night"),
        (r"\bthis (?=morning|afternoon|evening)", "today "),
        (r"\b(?:in the |at )(?=morning|afternoon|evening|night|noon|midday)", ""),
        (r"\bmorning\b", "9:00"),
        (r"\b(?:noon|midday)\b", "12:00"),
        (r"\bafternoon\b", "15:00"),
        (r"\bevening\b", "18:00"),
        (r"\bnight\b", "20:00"),
        (r"^(\d{4}-\d\d?-\d\d?)t(?=\d)", r"\1 "),
        (r"\bweds\b", "wed"),
        (r"^next week (?=[a-z]+$)", "next "),
    )
)
"""Other words for what the grammar knows, in this order."""


def when(text: str, now: datetime) -> str | None:
    """The day (`2026-02-11`) or the moment in UTC that `text` means at `now`, in the time zone of that.

    None where it is no day and no time. A time that a clock change leaves out is that much later; of one that
    comes twice, the first is meant.
    """
    words = _plain(text)
    if words is None:
        return None
    try:
        due = _due(words, now)
        return due if abs(int(due[:4]) - now.year) <= FURTHEST else None
    except (ValueError, OverflowError):  # there is no such day or time
        return None


def _plain(text: str) -> str | None:
    """`text` in lower case and plain words; None for what cannot be a time."""
    words = " ".join(text[: 10 * LONGEST].lower().replace(",", " ").split())
    if len(text) > 10 * LONGEST or len(words) > LONGEST or not words.isascii():
        return None
    words = words.rstrip(" ;:!?)]")
    if not re.search(r"(?:^| )\d\d?\.\d\d?\.$", words):  # the last full stop of `24.12.` belongs to it
        words = words.rstrip(" .;:!?)]")
    for pattern, plain in _REWRITES:
        words = pattern.sub(plain, words)
    return words


def _due(words: str, now: datetime) -> str:
    """Raises ValueError for what is no time."""
    if _ISO.fullmatch(words):
        day, *rest = words.split()
        return in_utc(datetime.fromisoformat(f"{day}T{''.join(rest).replace('utc', 'Z').upper()}"))
    hours = _IN_HOURS.fullmatch(words)
    if hours is not None:
        return in_utc(now.astimezone(UTC) + _span(*hours.groups()))
    match = _CLOCK_FIRST.fullmatch(words)
    if match is not None:
        clock, day = match.groups()
    else:
        match = _CLOCK_LAST.fullmatch(words)
        day, clock = match.groups() if match is not None else (words, None)
    if clock is None:
        return _day(str(day), now.date()).isoformat()
    at = _clock(clock)
    if day is not None:
        return _moment(_day(day, now.date()), at, now)
    today = _moment(now.date(), at, now)
    return today if today > in_utc(now) else _moment(now.date() + timedelta(days=1), at, now)


def _span(*parts: str | None) -> timedelta:
    """The time of counts and their units, such as 1, `h`, 30, `min`. Raises ValueError."""
    counts, units = parts[::2], [_CLOCK_UNITS[unit] for unit in parts[1::2] if unit is not None]
    if units == ["minutes", "hours"] or len(set(units)) < len(units):
        raise ValueError(parts)
    amounts = [_NUMBERS.get(count) or float(count) for count in counts if count is not None]
    return timedelta(**dict(zip(units, amounts, strict=True)))


def _clock(words: str) -> time:
    """Raises ValueError for what is no time of a day."""
    plain = words.removeprefix("at ").replace(".m", "m").rstrip("h ")
    twelve = re.fullmatch(r"(\d+)(?:[:.](\d\d))? ?([ap])m", plain)
    if twelve is not None:
        return time(int(twelve[1]) % 12 + 12 * (twelve[3] == "p"), int(twelve[2] or 0))
    hour, minute, second = [*map(int, re.split(r"[:.]", plain)), 0, 0][:3]
    return time(hour, minute, second)


def _day(words: str, today: date) -> date:
    """Raises ValueError for what is no day."""
    for find in (_by_name, _counted, _weekday, _of_the_calendar, _weekday_and_date):
        day = find(words, today)
        if day is not None:
            return day
    raise ValueError(words)


def _by_name(words: str, today: date) -> date | None:
    from dateutil.relativedelta import relativedelta  # only when somebody names a day: it takes memory

    next_month = today.replace(day=1) + relativedelta(months=1)
    named: dict[str, Callable[[], date]] = {
        "today": lambda: today,
        "tomorrow": lambda: today + timedelta(days=1),
        "day after tomorrow": lambda: today + timedelta(days=2),
        "next week": lambda: today + timedelta(days=7 - today.weekday()),
        "next month": lambda: next_month,
        "next year": lambda: date(today.year + 1, 1, 1),
        "end of month": lambda: next_month - timedelta(days=1),
        "end of year": lambda: date(today.year, 12, 31),
    }
    made = named.get(re.sub(r"\b(?:the|this) ", "", words))
    return None if made is None else made()


def _counted(words: str, today: date) -> date | None:
    from dateutil.relativedelta import relativedelta

    match = _IN_DAYS.fullmatch(words)
    if match is None:
        return None
    count = _NUMBERS.get(match[1]) or int(match[1])
    return today + relativedelta(**{_UNITS[match[2]]: count})  # type: ignore[arg-type]


def _weekday(words: str, today: date) -> date | None:
    """The next day of that name that is not today; `this` may be today, and `next` is one of next week."""
    match = re.fullmatch(r"(?:(this|next) )?([a-z]+)(?: (next week))?", words)
    number = None if match is None else _beginning(_WEEKDAYS, match[2])
    if match is None or number is None:
        return None
    monday = today - timedelta(days=today.weekday())
    if match[1] == "next" or match[3]:
        return monday + timedelta(days=7 + number)
    least = 0 if match[1] == "this" else 1
    return today + timedelta(days=(number - today.weekday() - least) % 7 + least)


def _of_the_calendar(words: str, today: date) -> date | None:
    """A day of the calendar; where year or month is not given, the next such day from today on."""
    for shape, groups in _DATES:
        match = shape.fullmatch(words)
        year, month, day = (match[group] for group in groups) if match is not None else ("", "", "")
        made = _next_date(year, month, int(day), today) if day else None
        if made is not None:
            return made
    return None


def _next_date(year: str, month: str, day: int, today: date) -> date | None:
    number = int(month) if month.isdigit() else _beginning(_MONTHS, month) if month else None
    if month and number is None:
        return None
    if month and not month.isdigit():
        number = int(number or 0) + 1
    if year:
        return date(int(year), int(number or 0), day)
    for later in range(12 * 9):  # 29 February may be eight years away
        years, index = divmod(today.month - 1 + later, 12)
        if number in (None, index + 1):
            try:
                candidate = date(today.year + years, index + 1, day)
            except ValueError:
                continue
            if candidate >= today:
                return candidate
    raise ValueError(day)


def _weekday_and_date(words: str, today: date) -> date | None:
    """A date with the name of its weekday. Raises ValueError where it has another one."""
    name, _, rest = words.partition(" ")
    number, parsed = _beginning(_WEEKDAYS, name), _of_the_calendar(rest, today)
    if number is None or parsed is None:
        return None
    if parsed.weekday() != number:
        raise ValueError(words)
    return parsed


def _beginning(names: tuple[str, ...], word: str) -> int | None:
    """The index of the name that `word` is the beginning of, with three letters or more."""
    return next((i for i, name in enumerate(names) if len(word) >= 3 and name.startswith(word)), None)


def _moment(day: date, at: time, now: datetime) -> str:
    from dateutil.tz import resolve_imaginary

    return in_utc(resolve_imaginary(datetime.combine(day, at, now.tzinfo)))


def in_utc(moment: datetime) -> str:
    """A moment as `due` has it: RFC 3339, UTC, whole seconds. Raises OverflowError behind the year 9999."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
