"""The entries on tracks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import apsw
from msgspec import Struct

from services.domain.items import track_key
from services.event_log.records import Entry
from services.projections.models import Model, Value, converted
from services.projections.pages import END, page

SCHEMA = """
CREATE TABLE entries (
    position INTEGER PRIMARY KEY,
    track TEXT NOT NULL,
    text TEXT NOT NULL,
    time TEXT NOT NULL
) STRICT;
"""

INDEXES = "CREATE INDEX entries_track ON entries (track, position);"


class TrackEntry(Struct, frozen=True):
    """One entry. The member names are those of the JSON."""

    position: int
    """Of its event in the log."""
    text: str
    time: str
    """The time when it was said: RFC 3339, UTC, microseconds."""


def enter(connection: apsw.Connection, events: Sequence[Entry]) -> None:
    """Add one row for each entry."""
    connection.executemany("INSERT INTO entries VALUES (?, ?, ?, ?)", converted(events, _row))


MODEL = Model(("entries",), SCHEMA, INDEXES, enter, (("TrackEntryAdded", 1),))


def entries(
    connection: apsw.Connection, track: str, before: int = END, limit: int = 100
) -> tuple[TrackEntry, ...]:
    """The last `limit` entries of a track, by its name, in front of `before`, the newest first."""
    sql = (
        "SELECT position, text, time FROM entries WHERE track = ? AND position < ?"
        " ORDER BY position DESC LIMIT ?"
    )
    rows = page(connection, sql, (track_key(track), before, limit))
    return tuple(TrackEntry(*cast(tuple[int, str, str], row)) for row in rows)


def _row(event: Entry) -> tuple[Value, ...]:
    track, text = cast(str, event.data["track"]), cast(str, event.data["text"])
    return event.position, track_key(track), text, cast(str, event.data.get("said_at", event.time))
