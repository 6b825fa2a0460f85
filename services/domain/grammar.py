"""What a message means. docs/GRAMMAR.md says it to people, and is the test of this.

A message that is told again has to mean the same, whatever has happened since: nothing comes of one that the
state of things could refuse.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime

from services.domain import commands as c
from services.domain.decisions import normal_tag, unfit
from services.domain.things import MOST_TAGS

When = Callable[[str, datetime], str | None]
"""What a text such as `tomorrow 17:00` means at a time: a day, a moment in UTC, or None: no time at all."""

_KEYWORD = re.compile(r"\s*((?a:todo|note|track|decide))\s*:(.*)", re.IGNORECASE | re.DOTALL)
_LAST_TAG = re.compile(r"(?:(.*\S)\s+|\s*)#(\S+)\s*", re.DOTALL)
_DUE = re.compile(r"(.*\S)\s+due\s+(\S.*)", re.IGNORECASE | re.DOTALL)
_BECAUSE = re.compile(r"(.*?\S)\s+because\s+(\S.*)", re.IGNORECASE | re.DOTALL)
_END_OF_NAME = re.compile(r":(?!\S)")


def meaning(text: str, source: str, now: datetime, when: When) -> tuple[c.Command, ...]:
    """What `text` makes happen at the time `now`: it is kept, and the one thing that it means, if any."""
    kept = c.RecordMessage(text, source=source)
    found = _KEYWORD.fullmatch(text)
    if found is None:
        return (kept,)
    meant = _MEANINGS[found[1].lower()](found[2].strip(), source, lambda words: when(words, now))
    return (kept,) if unfit(meant) is not None else (kept, meant)


def _todo(text: str, source: str, when: Callable[[str], str | None]) -> c.Command:
    text, tags = _tags(text)
    due = None
    found = _DUE.fullmatch(text)
    if found is not None and (due := when(found[2])) is not None:
        text, before = _tags(found[1])
        tags = tuple(dict.fromkeys((*before, *tags)))
    return c.AddTodo(text, due, tags, source=source)


def _note(text: str, source: str, _when: object) -> c.Command:
    text, tags = _tags(text)
    return c.TakeNote(text, tags, source=source)


def _track(text: str, source: str, _when: object) -> c.Command:
    name, *entry = _END_OF_NAME.split(text, maxsplit=1)
    if entry:
        return c.AddEntry(_name(name), entry[0].strip(), source=source)
    name, tags = _tags(text)
    return c.StartTrack(_name(name), tags, source=source)


def _decide(text: str, source: str, _when: object) -> c.Command:
    text, tags = _tags(text)
    found = _BECAUSE.fullmatch(text)
    text, rationale = (found[1], found[2]) if found is not None else (text, None)
    return c.ProposeDecision(text, rationale, tags, source=source)


_MEANINGS: Mapping[str, Callable[[str, str, Callable[[str], str | None]], c.Command]] = {
    "todo": _todo,
    "note": _note,
    "track": _track,
    "decide": _decide,
}


def _tags(text: str) -> tuple[str, tuple[str, ...]]:
    """What is in front of the tags at the end of `text`, and those tags in their order, each once."""
    found: list[str] = []
    while len(found) < MOST_TAGS and (last := _LAST_TAG.fullmatch(text)) is not None:
        tag = normal_tag(last[2])
        if tag is None:
            break
        text, found = last[1] or "", [tag, *found]
    return text.strip(), tuple(dict.fromkeys(found))


def _name(text: str) -> str:
    """A name with single spaces, as it is kept. One on several lines stays as it is, and is unfit."""
    return " ".join(text.split()) if len(text.strip().splitlines()) < 2 else text
