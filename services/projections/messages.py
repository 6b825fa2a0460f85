"""The messages, in the order in which they were recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import apsw

from services.formats import MESSAGE_RECORDED
from services.projections.models import Event, Model, Value, rows
from services.projections.pages import page

SCHEMA = """
CREATE TABLE messages (
    position INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    time TEXT NOT NULL,
    text TEXT NOT NULL,
    source TEXT NOT NULL
) STRICT;
"""

EVENTS = (MESSAGE_RECORDED,)
"""The (type, version) of the events that it has rows for."""


@dataclass(frozen=True)
class Message:
    """One message. The member names are those of the JSON."""

    position: int
    """Of its event in the log."""
    id: str
    time: str
    """RFC 3339, UTC, microseconds."""
    text: str
    source: str


def row(position: int, event: Event) -> tuple[Value, ...]:
    """The row of one event."""
    data = event.data
    return (position, event.id, event.time, cast(str, data["text"]), cast(str, data["source"]))


MODEL = Model(("messages",), SCHEMA, "", rows("messages", 5, row), EVENTS)


def after(connection: apsw.Connection, position: int, limit: int) -> tuple[Message, ...]:
    """The first `limit` messages behind `position`, or as many of them as a page holds."""
    sql = "SELECT position, id, time, text, source FROM messages WHERE position > ? ORDER BY position LIMIT ?"
    found = page(connection, sql, (position, limit))
    return tuple(Message(*cast(tuple[int, str, str, str, str], row)) for row in found)
