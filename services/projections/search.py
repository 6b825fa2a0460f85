"""The search index: the words of events, and the events that have them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import apsw
import msgspec
from msgspec import Struct

from services.domain.items import begins, key_of
from services.event_codec import event_of
from services.event_log.records import Entry
from services.projections.items import item
from services.projections.models import Model, converted
from services.projections.pages import END, page
from services.projections.words import TOKENIZER, query_of, spelled

_TOKENIZER = " ".join(f"'{word}'" for word in TOKENIZER)

# The events that have a word, and not where in them: their texts are in the timeline.
SCHEMA = f"""
CREATE VIRTUAL TABLE search USING fts5(
    text, content = '', columnsize = 0, detail = none, tokenize = "{_TOKENIZER}"
);
INSERT INTO search (search, rank) VALUES ('hashsize', 8388608);
"""  # noqa: S608
"""`hashsize` is the number of bytes of new words that FTS5 holds in memory before it writes a segment.
Segments are merged again and again: the words of a million messages took 3.3 s with its own 1 MiB, and 2.5 s
with this (one run each)."""

_TEXTS = {
    "MessageRecorded": ("text",),
    "TodoAdded": ("text",),
    "NoteTaken": ("text",),
    "TrackStarted": ("track",),
    "TrackEntryAdded": ("track", "text"),
    "DecisionProposed": ("text", "rationale"),
    "DecisionAccepted": ("rationale",),
    "DecisionRejected": ("rationale",),
    "DecisionRevisited": ("rationale",),
}
"""The members of each type of event that are indexed."""


_MEANINGS = ("TodoAdded", "NoteTaken", "TrackStarted", "TrackEntryAdded", "DecisionProposed")
"""The types of events that a message can become. They are appended with the message, and have its time."""


class Hit(Struct, frozen=True):
    """A search result. The member names are those of the JSON.

    A message that became an item is found as the item, also by words that only the message has.
    """

    position: int
    """Of its event in the log."""
    type: str
    time: str
    """RFC 3339, UTC, microseconds."""
    text: str
    number: int | None
    """Of the item that the event created or is about; None for a message without an item."""
    state: str | None
    """Of the item, at present."""


def enter(connection: apsw.Connection, events: Sequence[Entry]) -> None:
    """Index the words of each event."""
    texts = converted(events, lambda event: (event.position, spelled(_text_of(event.type, event.data))))
    connection.executemany("INSERT INTO search (rowid, text) VALUES (?, ?)", [row for row in texts if row[1]])


MODEL = Model(
    (),
    SCHEMA,
    "",
    enter,
    tuple((type_, 1) for type_ in _TEXTS),
    clear="INSERT INTO search (search) VALUES ('delete-all');",
)


def search(connection: apsw.Connection, words: str, before: int = END, limit: int = 100) -> tuple[Hit, ...]:
    """The last `limit` events that have all of `words`, the newest first.

    Case, accents and punctuation do not count; the last word may be the beginning of one.
    """
    query = query_of(connection, words)
    if not query:
        return ()
    values = (
        query,
        _in_front(connection, before),
        2 * limit,
        limit,
    )  # an event is at most two rows: message and item
    rows = cast(list[tuple[int, str, str, str]], page(connection, _FIND, values))
    return tuple(_hit(connection, *row) for row in rows)


_MEANT = f"""
    said.type = 'MessageRecorded' AND meant.position = said.position + 1 AND meant.time = said.time
    AND meant.type IN ({", ".join(f"'{type_}'" for type_ in _MEANINGS)})
"""

_FIND = f"""
WITH
found AS (
    SELECT rowid AS position FROM search WHERE search MATCH ? AND rowid < ? ORDER BY rowid DESC LIMIT ?
),
named AS (
    SELECT DISTINCT ifnull(meant.position, said.position) AS position
    FROM found JOIN timeline AS said USING (position) LEFT JOIN timeline AS meant ON {_MEANT}
    ORDER BY 1 DESC LIMIT ?
)
SELECT position, type, time, data FROM named JOIN timeline USING (position) ORDER BY position DESC
"""  # noqa: S608


def _in_front(connection: apsw.Connection, before: int) -> int:
    """`before`, or the position of the message that became the item at it: the message is no second hit."""
    sql = f"""
        SELECT said.position FROM timeline AS meant
        JOIN timeline AS said ON said.position = meant.position - 1
        WHERE meant.position = ? AND {_MEANT}
    """  # noqa: S608
    row = cast(tuple[int] | None, connection.execute(sql, (before,)).fetchone())
    return before if row is None else row[0]


def _hit(connection: apsw.Connection, position: int, type_: str, time: str, encoded: str) -> Hit:
    data = msgspec.json.decode(encoded)
    entry = Entry(position=position, id="", type=type_, version=1, time=time, data=data)
    event = event_of(entry)
    key = key_of(event) or (position if begins(event) else None)
    about = None if key is None else item(connection, key)
    number, state = (None, None) if about is None else (about.position, about.state)
    return Hit(position, type_, time, _text_of(type_, data), number, state)


def _text_of(type_: str, data: dict[str, object]) -> str:
    return "\n".join([str(data[name]) for name in _TEXTS[type_] if data[name] is not None])
