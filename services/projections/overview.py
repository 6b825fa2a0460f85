"""Queries for pages: bounded, so that a page is quick however much there is."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

import apsw
from msgspec import Struct

from services.domain.due import day_of, order
from services.domain.items import DECISION, TODO, TRACK, Item, Key
from services.projections import entries, items
from services.projections.entries import TrackEntry
from services.projections.pages import END

MOST_DUE = 200
MOST_OPEN = 50
MOST_DECISIONS = 20
MOST_ENTRIES = 500
"""The most entries of a track that are plotted."""


class Day(Struct, frozen=True):
    """The page of today."""

    overdue: list[Item]
    today: list[Item]
    later: list[Item]
    undated: list[Item]
    decisions: list[Item]
    open_todos: int

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be done or decided."""
        return not (self.overdue or self.today or self.later or self.undated or self.decisions)


def day(connection: apsw.Connection, now: datetime) -> Day:
    """The todos and decisions of the page of today, at `now`."""
    due = sorted(items.due(connection, MOST_DUE), key=lambda item: (order(item.due, now), item.position))
    overdue: list[Item] = []
    today: list[Item] = []
    later: list[Item] = []
    for item in due:
        is_late = not order(item.due, now)[1]
        assert item.due is not None
        is_today = day_of(item.due, now.tzinfo) <= now.date()  # type: ignore[arg-type]
        (overdue if is_late else today if is_today else later).append(item)
    return Day(
        overdue,
        today,
        later,
        list(items.items(connection, TODO, limit=MOST_OPEN, states=("open",), undated=True)),
        list(items.items(connection, DECISION, limit=MOST_DECISIONS, states=("proposed",))),
        items.number(connection, TODO, "open"),
    )


class Listed(Struct, frozen=True):
    """One page of a list of items."""

    items: tuple[Item, ...]
    next: int | None
    """The `before` of the next page; None on the last."""


def listed(
    connection: apsw.Connection,
    kind: str,
    before: int | None,
    limit: int,
    states: Collection[str] = (),
    tag: str | None = None,
) -> Listed:
    """A page of items of a kind, the newest first."""
    rows = items.items(connection, kind, before or END, limit + 1, states=states, tag=tag)
    return Listed(rows[:limit], rows[limit - 1].position if len(rows) > limit else None)


def about(connection: apsw.Connection, keys: Iterable[Key]) -> dict[Key, Item]:
    """The items with these keys, as far as there are any."""
    known = ((key, items.item(connection, key)) for key in keys)
    return {key: item for key, item in known if item is not None}


class Tracked(Struct, frozen=True):
    """A track with its newest entries, the oldest first."""

    track: Item
    entries: tuple[TrackEntry, ...]


def tracks(connection: apsw.Connection, before: int | None, limit: int) -> tuple[list[Tracked], int | None]:
    """A page of tracks, each with the last entries."""
    page = listed(connection, TRACK, before, limit)
    return [tracked(connection, track, 60) for track in page.items], page.next


def tracked(connection: apsw.Connection, track: Item, limit: int = MOST_ENTRIES) -> Tracked:
    """A track with its newest `limit` entries."""
    return Tracked(track, entries.entries(connection, track.text, END, limit)[::-1])
