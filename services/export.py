"""Everything that was recorded as a document for people (Markdown) or a table (CSV), page by page.

An export holds what was there when it began. It reads page by page, so that a million messages take no more
memory than a page: an item that changes meanwhile is in the state of the moment in which its page was read.
"""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import datetime, tzinfo
from functools import partial
from typing import TypeVar

from services.domain.due import is_day, local
from services.domain.items import DECISION, NOTE, STATES, TODO, TRACK, Item
from services.markdown import escaped
from services.projections import entries, items, messages
from services.projections.entries import TrackEntry
from services.projections.messages import Message
from services.projections.models import Query
from services.service import Service

T = TypeVar("T")

AT_ONCE = 1000
"""The most rows of a page."""

INDENT = "  "
"""The beginning of the lines of a list's item behind its first one."""

DAY = len("2026-02-11")

COLUMNS = ("number", "kind", "state", "text", "tags", "created", "changed", "due", "rationale", "reason")

_HEADINGS = {
    (TODO, "open"): "Open todos",
    (TODO, "done"): "Done todos",
    (TODO, "cancelled"): "Cancelled todos",
    (NOTE, "kept"): "Notes",
    (TRACK, "running"): "Running tracks",
    (TRACK, "stopped"): "Stopped tracks",
    (DECISION, "proposed"): "Proposed decisions",
    (DECISION, "accepted"): "Accepted decisions",
    (DECISION, "rejected"): "Rejected decisions",
}

_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""The beginnings of a cell that a spreadsheet would calculate."""


async def markdown(service: Service) -> AsyncIterator[str]:
    """All items and messages as one document, the newest item first and the messages by day."""
    end, zone = (await service.head()).position, service.zone
    yield "# Helionyx\n"
    for (kind, state), heading in _HEADINGS.items():
        title = f"\n## {heading}\n\n"
        shown = partial(_list, zone=zone) if kind != TRACK else _nothing
        async for page, text in _items(service, kind, end, shown, state):
            yield title + text
            title = ""
            for track in page if kind == TRACK else ():
                async for part in _track(service, track, end):
                    yield part
    async for part in _messages(service, end):
        yield part


async def table(service: Service) -> AsyncIterator[str]:
    """All items as a table with one row for each."""
    end = (await service.head()).position
    yield _rows([COLUMNS])
    for kind in STATES:
        async for _, text in _items(service, kind, end, lambda page: _rows(map(_row, page))):
            yield text


async def _page(
    service: Service, query: Query[Sequence[T]], shown: Callable[[Sequence[T]], str]
) -> tuple[Sequence[T], str]:
    """A page of rows and its text, both made in the reading thread: others are answered meanwhile."""

    def with_text(page: Sequence[T]) -> tuple[Sequence[T], str]:
        return page, shown(page)

    return await service.look(lambda connection: with_text(query(connection)))


async def _items(
    service: Service, kind: str, end: int, shown: Callable[[Sequence[Item]], str], *states: str
) -> AsyncIterator[tuple[Sequence[Item], str]]:
    before = end + 1
    while True:
        query = partial(items.items, kind=kind, before=before, limit=AT_ONCE, states=states)
        page, text = await _page(service, query, shown)
        if not page:
            return
        yield page, text
        before = page[-1].position


async def _track(service: Service, track: Item, end: int) -> AsyncIterator[str]:
    yield f"### {escaped(track.text)}\n\n{_about(track, service.zone)}\n\n"
    shown, before = partial(_entries, zone=service.zone), end + 1
    while True:
        query = partial(entries.entries, track=track.text, before=before, limit=AT_ONCE)
        page, text = await _page(service, query, shown)
        yield text or "\n"
        if not page:
            return
        before = page[-1].position


async def _messages(service: Service, end: int) -> AsyncIterator[str]:
    after, day, title = 0, "", "\n## Messages\n"
    while after < end:
        query = partial(messages.after, position=after, limit=AT_ONCE)
        page, text = await _page(service, query, partial(_days, end=end, day=day, zone=service.zone))
        if not page:
            return
        yield title + text
        after, day, title = page[-1].position, _time(page[-1].said_at, service.zone)[:DAY], ""


def _days(page: Sequence[Message], end: int, day: str, zone: tzinfo) -> str:
    """The messages up to the position `end`, each day with a heading; that of `day` was begun before."""
    parts = []
    for message in page:
        if message.position <= end:
            time = _time(message.said_at, zone)
            if time[:DAY] != day:
                day = time[:DAY]
                parts.append(f"\n### {day}\n\n")
            parts.append(f"- {time[DAY:].strip()}: {escaped(message.text, INDENT)}\n")
    return "".join(parts)


def _nothing(_page: Sequence[Item]) -> str:
    return ""


def _list(page: Sequence[Item], zone: tzinfo) -> str:
    return "".join(_listed(item, zone) for item in page)


def _entries(page: Sequence[TrackEntry], zone: tzinfo) -> str:
    return "".join(f"- {_time(entry.time, zone)}: {escaped(entry.text, INDENT)}\n" for entry in page)


def _listed(item: Item, zone: tzinfo) -> str:
    """A todo, a note or a decision as an item of a list."""
    parts = [f"- {_about(item, zone)}: {escaped(item.text, INDENT)}"]
    if item.rationale is not None:
        parts.append(f"Because: {escaped(item.rationale, INDENT)}")
    if item.reason is not None:
        parts.append(f"{item.state.capitalize()} because: {escaped(item.reason, INDENT)}")
    return f"\n\n{INDENT}".join(parts) + "\n"


def _about(item: Item, zone: tzinfo) -> str:
    """The facts about an item on one line."""
    facts = [f"**{item.kind} {item.position}**", *(f"#{escaped(tag)}" for tag in item.tags)]
    if item.due is not None:
        facts.append(f"due {item.due if is_day(item.due) else _time(item.due, zone)}")
    facts.append(_time(item.created.isoformat(), zone))
    return ", ".join(facts)


def _time(moment: str, zone: tzinfo) -> str:
    return f"{local(datetime.fromisoformat(moment), zone):%Y-%m-%d %H:%M}"


def _row(item: Item) -> tuple[object, ...]:
    times = (item.created.isoformat(), item.changed.isoformat(), item.due)
    tags = " ".join(item.tags)
    return item.position, item.kind, item.state, item.text, tags, *times, item.rationale, item.reason


def _rows(rows: Iterable[tuple[object, ...]]) -> str:
    written = io.StringIO()
    csv.writer(written).writerows([_cell(value) for value in row] for row in rows)
    return written.getvalue()


def _cell(value: object) -> object:
    """A cell as a spreadsheet shows it, and does not calculate it."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULAS) else value
