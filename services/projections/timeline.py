"""The timeline: every event, the newest first, in today's versions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import cast

import apsw
import msgspec

import services.projections.messages as messages
from services.event_log.records import Entry
from services.formats import MESSAGE_RECORDED
from services.projections.models import Model, Value, converted
from services.projections.pages import END, page

SCHEMA = """
CREATE TABLE timeline (
    position INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    version INTEGER NOT NULL,
    time TEXT NOT NULL,
    data TEXT NOT NULL
) STRICT;
"""

INDEXES = "CREATE INDEX timeline_type ON timeline (type);"

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, object]).decode


def row(event: Entry) -> tuple[Value, ...]:
    """The row of one event. Raises ValueError for a message without its members."""
    if (event.type, event.version) == MESSAGE_RECORDED:
        messages.check(event.data)
    return (event.position, event.id, event.type, event.version, event.time, _encode(event.data).decode())


def enter(connection: apsw.Connection, events: Sequence[Entry]) -> None:
    """Add one row for each event."""
    connection.executemany("INSERT INTO timeline VALUES (?, ?, ?, ?, ?, ?)", converted(events, row))


MODEL = Model(("timeline",), SCHEMA, INDEXES, enter, None)


def before(
    connection: apsw.Connection, position: int = END, limit: int = 100, types: Collection[str] | None = None
) -> tuple[Entry, ...]:
    """The last `limit` events in front of `position`, the newest first; of `types` alone, if given.

    Fewer where a page holds no more.
    """
    # One walk backwards through the index for each type, and none through events of others.
    kinds: list[str] = [] if types is None else sorted(types)
    walk = "SELECT position FROM timeline WHERE type = ? AND position < ? ORDER BY position DESC LIMIT ?"
    one = f"SELECT * FROM ({walk})"  # noqa: S608
    condition = "position < ?" if types is None else f"position IN ({' UNION ALL '.join([one] * len(kinds))})"
    values = [position] if types is None else [value for kind in kinds for value in (kind, position, limit)]
    sql = (
        "SELECT position, id, type, version, time, data FROM timeline"  # noqa: S608
        f" WHERE {condition} ORDER BY position DESC LIMIT ?"
    )
    entries = page(connection, sql, (*values, limit))
    return tuple(_entry(cast(tuple[int, str, str, int, str, str], entry)) for entry in entries)


def _entry(row: tuple[int, str, str, int, str, str]) -> Entry:
    position, id_, type_, version, time, data = row
    return Entry(position=position, id=id_, type=type_, version=version, time=time, data=_decode(data))
