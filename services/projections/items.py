"""Todos, notes, tracks and decisions in their present state, as the domain derives it from events."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import cast

import apsw
import msgspec

from services.domain.due import Until
from services.domain.events import Event as DomainEvent
from services.domain.items import TRACK, Item, Key, evolve, key_of, track_key
from services.domain.tags import tag_key
from services.event_codec import event_of
from services.event_log.records import Entry, moment
from services.formats import WRITES
from services.projections.models import Model, Value, converted
from services.projections.pages import END, page

SCHEMA = """
CREATE TABLE things (
    position INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    text TEXT NOT NULL,
    tags TEXT NOT NULL,
    created TEXT NOT NULL,
    changed TEXT NOT NULL,
    due TEXT,
    rationale TEXT,
    entries INTEGER NOT NULL,
    reason TEXT,
    track TEXT
) STRICT;
CREATE UNIQUE INDEX things_track ON things (track) WHERE track IS NOT NULL;
CREATE TABLE thing_tags (
    key TEXT NOT NULL,
    position INTEGER NOT NULL,
    tag TEXT NOT NULL,
    PRIMARY KEY (key, position)
) STRICT, WITHOUT ROWID;
"""

INDEXES = """
CREATE INDEX things_kind ON things (kind, position);
CREATE INDEX things_state ON things (kind, state, position);
CREATE INDEX things_due ON things (state, due) WHERE due IS NOT NULL;
CREATE INDEX things_undated ON things (kind, state, position) WHERE due IS NULL;
"""

MOST_DUE = 10_000
"""The most todos of a calendar."""

LARGEST_DUE = 8 << 20
"""In characters: the most that the todos of a calendar hold."""

_PREFIXES = ("Todo", "Note", "Track", "Decision", "Tag")
EVENTS = tuple(pair for pair in WRITES if pair[0].startswith(_PREFIXES))
"""The (type, version) of the events that change an item."""

_COLUMNS = "position, kind, state, text, tags, created, changed, due, rationale, entries, reason"
_DUE = f"SELECT {_COLUMNS} FROM things WHERE state = 'open' AND due IS NOT NULL ORDER BY due LIMIT ?"  # noqa: S608
_PUT = "INSERT OR REPLACE INTO things VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_decode_tags = msgspec.json.Decoder(tuple[str, ...]).decode
_encode = msgspec.json.Encoder().encode


def enter(connection: apsw.Connection, events: Sequence[Entry]) -> None:
    """Apply each event to its item, as the domain does."""
    for position, event in converted(events, _domain_event):
        key = key_of(event)
        before = None if key is None else item(connection, key)
        after = evolve(before, event, position)
        if after is not None and after != before:
            connection.execute(_PUT, _row(after))
            _tag(connection, after, () if before is None else before.tags)


MODEL = Model(("things", "thing_tags"), SCHEMA, INDEXES, enter, EVENTS)


def item(connection: apsw.Connection, key: Key) -> Item | None:
    """The item with this key, in its present state; None where there is none."""
    column = "position" if isinstance(key, int) else "track"
    row = connection.execute(f"SELECT {_COLUMNS} FROM things WHERE {column} = ?", (key,)).fetchone()  # noqa: S608
    return None if row is None else _item(row)


def items(
    connection: apsw.Connection,
    kind: str,
    before: int = END,
    limit: int = 100,
    *,
    states: Collection[str] = (),
    tag: str | None = None,
    due_until: Until | None = None,
    undated: bool = False,
) -> tuple[Item, ...]:
    """The last `limit` items of a kind in front of position `before`, the newest first.

    In one of `states`, if any are given; with this tag; due before `due_until`; `undated`: without a due.
    """
    conditions, values = ["kind = ?", "position < ?"], cast(list[str | int], [kind, before])
    if states:
        conditions.append(f"state IN ({', '.join('?' * len(states))})")
        values += sorted(states)
    if tag is not None:
        conditions.append("position IN (SELECT position FROM thing_tags WHERE key = ?)")
        values.append(tag_key(tag))
    if due_until is not None:
        conditions.append("((length(due) = 10 AND due <= ?) OR (length(due) > 10 AND due < ?))")
        values += [due_until.day, due_until.moment]
    if undated:
        conditions.append("due IS NULL")
    sql = f"SELECT {_COLUMNS} FROM things WHERE {' AND '.join(conditions)} ORDER BY position DESC LIMIT ?"  # noqa: S608
    return tuple(_item(row) for row in page(connection, sql, (*values, limit)))


def due(connection: apsw.Connection, limit: int) -> tuple[Item, ...]:
    """The first `limit` open todos with a due, roughly by time: a day and a moment compare as texts."""
    return tuple(_item(row) for row in page(connection, _DUE, (limit,)))


def all_due(connection: apsw.Connection) -> tuple[Item, ...]:
    """All open todos with a due as `due` sorts them, up to MOST_DUE todos and LARGEST_DUE characters."""
    return tuple(_item(row) for row in page(connection, _DUE, (MOST_DUE,), LARGEST_DUE))


def number(connection: apsw.Connection, kind: str, state: str) -> int:
    """The number of items of a kind in a state."""
    sql = "SELECT count(*) FROM things WHERE kind = ? AND state = ?"
    row = connection.execute(sql, (kind, state)).fetchone()
    return int(cast(tuple[int], row)[0])


def tags(connection: apsw.Connection) -> dict[str, int]:
    """Every tag in use, as it was last written, and the number of items that have it."""
    # SQLite takes the other columns from the row of the maximum.
    sql = "SELECT tag, count(*), max(position) FROM thing_tags GROUP BY key ORDER BY key"
    return {
        tag: count for tag, count, _ in cast(list[tuple[str, int, int]], connection.execute(sql).fetchall())
    }


def standing(connection: apsw.Connection) -> dict[str, dict[str, int]]:
    """The number of items of each kind, in each state."""
    numbers: dict[str, dict[str, int]] = {}
    sql = "SELECT kind, state, count(*) FROM things GROUP BY kind, state ORDER BY kind, state"
    for kind, state, count in cast(list[tuple[str, str, int]], connection.execute(sql).fetchall()):
        numbers.setdefault(kind, {})[state] = count
    return numbers


def _domain_event(event: Entry) -> tuple[int, DomainEvent]:
    return event.position, event_of(event)


def _row(item: Item) -> tuple[Value, ...]:
    return (
        *(item.position, item.kind, item.state, item.text, _encode(item.tags).decode()),
        *(moment(item.created), moment(item.changed), item.due, item.rationale, item.entries),
        item.reason,
        track_key(item.text) if item.kind == TRACK else None,
    )


def _item(row: object) -> Item:
    position, kind, state, text, tags, created, changed, *rest = cast(tuple[object, ...], row)
    times = [datetime.fromisoformat(cast(str, time)) for time in (created, changed)]
    return Item(position, kind, state, text, _decode_tags(cast(str, tags)), *times, *rest)  # type: ignore[arg-type]


def _tag(connection: apsw.Connection, item: Item, before: tuple[str, ...]) -> None:
    gone, new = set(before) - set(item.tags), set(item.tags) - set(before)
    connection.executemany(
        "DELETE FROM thing_tags WHERE key = ? AND position = ?",
        [(tag_key(tag), item.position) for tag in sorted(gone)],
    )
    connection.executemany(
        "INSERT INTO thing_tags VALUES (?, ?, ?)",
        [(tag_key(tag), item.position, tag) for tag in sorted(new)],
    )
