"""The open todos with a due time as an iCalendar file (RFC 5545), for programs that subscribe to calendars.

Written here and not by a library: icalendar takes 3 MB of the layer and 0.3 s to import.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from services.domain.due import is_day
from services.domain.items import Item

LONGEST_LINE = 75
"""In octets of UTF-8, without the end of the line (RFC 5545, 3.1)."""

LONGEST_SUMMARY = 200
"""In characters: the title of an event is its first line up to here; its description has the whole text."""

MINUTES = 30
"""The duration of a todo that is due at a moment."""

REFRESH = "PT15M"
"""After how long a program is asked to read the calendar again."""

_FORBIDDEN = re.compile("[\x00-\x08\x0e-\x1f\x7f]")
"""The control characters that a text must not have, after its lines were split."""


def calendar(items: Iterable[Item], environment: str, now: datetime) -> bytes:
    """The todos in `items` as a calendar named after the environment; `now` is in the zone of its clocks.

    A day becomes an event of the whole day, and a moment one of half an hour. The bytes change only when a
    todo does, so that a program can compare them.
    """
    name = f"Helionyx {environment}"
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Helionyx//Helionyx//EN",
        "CALSCALE:GREGORIAN",
        f"NAME:{name}",
        f"X-WR-CALNAME:{name}",
        f"X-WR-TIMEZONE:{now.tzinfo}",
        f"REFRESH-INTERVAL;VALUE=DURATION:{REFRESH}",
        f"X-PUBLISHED-TTL:{REFRESH}",
    ]
    for item in items:
        if item.due is not None:
            lines += _event(item, item.due, environment)
    lines.append("END:VCALENDAR")
    return b"".join(map(_folded, lines))


def _event(item: Item, due: str, environment: str) -> Iterator[str]:
    """The lines of one todo."""
    changed = item.changed.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    summary = _summary(item.text)
    yield "BEGIN:VEVENT"
    yield f"UID:todo-{item.position}@{environment}.helionyx"
    yield f"DTSTAMP:{changed}"
    yield f"LAST-MODIFIED:{changed}"
    if is_day(due):
        yield f"DTSTART;VALUE=DATE:{_digits(due)}"
    else:
        yield f"DTSTART:{_digits(due)}"
        # No DTEND: half an hour behind the last moment of the year 9999 has no date.
        yield f"DURATION:PT{MINUTES}M"
    yield f"SUMMARY:{_text(summary)}"
    if summary != item.text:
        yield f"DESCRIPTION:{_text(item.text)}"
    if item.tags:
        yield f"CATEGORIES:{','.join(map(_text, item.tags))}"
    # A todo does not make its person busy.
    yield "TRANSP:TRANSPARENT"
    yield "END:VEVENT"


def _summary(text: str) -> str:
    """The first line that is not blank, cut to LONGEST_SUMMARY."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= LONGEST_SUMMARY else f"{line[: LONGEST_SUMMARY - 1]}…"


def _digits(due: str) -> str:
    """A day or a moment in the basic form, such as `20260211T160000Z`."""
    return due.replace("-", "").replace(":", "")


def _text(text: str) -> str:
    """A text as a value: escaped, its lines joined by `\\n`, without forbidden characters."""
    escaped = re.sub(r"([\\;,])", r"\\\1", text)
    # Programs split lines at other characters than CR and LF too, such as U+2028.
    return _FORBIDDEN.sub(" ", "\\n".join(escaped.splitlines()))


def _folded(line: str) -> bytes:
    """A line with its end, folded so that no part is longer than LONGEST_LINE and no character is cut."""
    octets = line.encode()
    parts = []
    while len(octets) > LONGEST_LINE:
        end = LONGEST_LINE
        # The bytes 0b10xxxxxx continue a character of UTF-8.
        while octets[end] & 0b1100_0000 == 0b1000_0000:
            end -= 1
        parts.append(octets[:end])
        # The space that begins a continuation counts.
        octets = b" " + octets[end:]
    return b"\r\n".join([*parts, octets]) + b"\r\n"
