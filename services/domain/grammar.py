"""Parse messages. docs/GRAMMAR.md explains the grammar, and its examples are tests.

A message that is told again has to mean the same, whatever has happened since: nothing comes of one that the
state of things could refuse.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from services.domain import commands as c
from services.domain.decisions import validate
from services.domain.tags import MOST_TAGS, normal_tag, united

When = Callable[[str, datetime], str | None]
"""Parses a text such as `tomorrow 17:00` at a time: a day, a moment in UTC, or None: no time."""

LONGEST_DUE = 1500
"""So many characters behind `due` may be a time and all the tags that there may be."""

MOST_DUES = 20
"""The number of the last `due` in a text that are tried: a hostile text full of them took a second."""

LONGEST_SHOWN = 60
"""Of what was not understood, in characters."""

_OPENING = "([{,;\u2013\u2014 \t\r\n"
"""The characters between a text and its `due`."""

_KEYWORD = re.compile(r"\s*((?a:todo|note|track|decide))\s*:(.*)", re.IGNORECASE | re.DOTALL)
_LAST_TAG = re.compile(r"(?:(.*[^\s,;])[\s,;]+|[\s,;]*)#([^\s,;.:!?#]+)[\s,;.:!?]*", re.DOTALL)
_DUE = re.compile(r"(?<![^\s(\[{,;\u2013\u2014\"'\u201c\u201e\u00ab*])due(?=[\s:]|\Z):?\s*", re.IGNORECASE)
_BECAUSE = re.compile(r"(.*?\S)\s+because\s+(\S.*)", re.IGNORECASE | re.DOTALL)
_END_OF_NAME = re.compile(r":(?!\S)")


def parse_message(text: str, source: str, now: datetime, when: When) -> tuple[c.Command, ...]:
    """Parse `text` at the time `now`: the command that records it, and the one that it means, if any."""
    recorded = c.RecordMessage(text, source=source)
    match = _KEYWORD.fullmatch(text)
    if match is None:
        return (recorded,)
    meant = _MEANINGS[match[1].lower()](match[2].strip(), source, lambda words: when(words, now))
    return (recorded,) if validate(meant) is not None else (recorded, meant)


def undated(text: str) -> str | None:
    """The text of a todo from `due` on, where no time was understood; None without `due`."""
    dues = list(_DUE.finditer(text))
    if not dues:
        return None
    line = text[dues[-1].start() :].splitlines()[0].rstrip()
    return line if len(line) <= LONGEST_SHOWN else f"{line[: LONGEST_SHOWN - 1]}…"


def _todo(text: str, source: str, when: Callable[[str], str | None]) -> c.Command:
    text, tags = _tags(text)
    for begin, words, end, following in _around_due(text):
        time, more = _tags(text[words:end])
        due = when(time)
        before, first = _tags(text[:begin]) if due is not None else ("", ())
        without = f"{before.rstrip(_OPENING)}{text[following:]}".strip()
        if due is not None and without:
            return c.AddTodo(without, due, united(first, more, tags), source=source)
    return c.AddTodo(text, None, tags, source=source)


def _around_due(text: str) -> Iterator[tuple[int, int, int, int]]:
    """The offsets where each `due` begins, its words begin and end, and the text goes on; the last first.

    Its words end with the text, with the line, or with the bracket that was opened in front of it.
    """
    for due in reversed(list(_DUE.finditer(text))[-MOST_DUES:]):
        begin, words = due.span()
        line = text.find("\n", words, words + LONGEST_DUE)
        bracket = text.find(")", words, words + LONGEST_DUE) if text.endswith("(", 0, begin) else -1
        for end, following in ((len(text), len(text)), (line, line), (bracket, bracket + 1)):
            if 0 <= end <= words + LONGEST_DUE:
                yield begin, words, end, following


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
    match = _BECAUSE.fullmatch(text)
    text, rationale = (match[1], match[2]) if match is not None else (text, None)
    return c.ProposeDecision(text, rationale, tags, source=source)


_MEANINGS: Mapping[str, Callable[[str, str, Callable[[str], str | None]], c.Command]] = {
    "todo": _todo,
    "note": _note,
    "track": _track,
    "decide": _decide,
}


def _tags(text: str) -> tuple[str, tuple[str, ...]]:
    """Split off the tags at the end of `text`: (the text before them, the tags in their order, each once)."""
    tags: list[str] = []
    while len(tags) < MOST_TAGS and (last := _LAST_TAG.fullmatch(text)) is not None:
        tag = normal_tag(last[2])
        if tag is None:
            break
        text, tags = last[1] or "", [tag, *tags]
    return text.strip(), united(tags)


def _name(text: str) -> str:
    """A name with single spaces, as it is kept. One on several lines stays as it is, and is unfit."""
    return " ".join(text.split()) if len(text.strip().splitlines()) < 2 else text
