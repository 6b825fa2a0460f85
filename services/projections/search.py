"""All words that were said, and where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import apsw
import msgspec
from msgspec import Struct

from services.domain.things import begins, key_of
from services.kept import event_of
from services.projections.models import Model, Placed, made
from services.projections.pages import page
from services.projections.things import thing
from services.projections.timeline import Entry
from services.projections.words import TOKENIZER, query_of, spelled

_TOKENIZER = " ".join(f"'{word}'" for word in TOKENIZER)

# In which events a word is, and not where in them: what was said is in the timeline.
SCHEMA = f"""
CREATE VIRTUAL TABLE search USING fts5(
    text, content = '', columnsize = 0, detail = none, tokenize = "{_TOKENIZER}"
);
INSERT INTO search (search, rank) VALUES ('hashsize', 8388608);
"""  # noqa: S608
"""`hashsize` is how many bytes of new words FTS5 holds in memory before they become a segment of the index.
They are merged again and again: the words of a million messages took 3.3 s with its own 1 MiB, and 2.5 s with
this (one run each)."""

_SAYS = {
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
"""What of each type of event is looked through."""


_MEANINGS = ("TodoAdded", "NoteTaken", "TrackStarted", "TrackEntryAdded", "DecisionProposed")
"""The types of the events that a message can be taken as. One is appended with it, and has its time."""


class Hit(Struct, frozen=True):
    """Something that was said. The member names are those of the JSON.

    A message that was taken as something is found as that, also by words that only the message has.
    """

    position: int
    """Of its event in the log."""
    type: str
    time: str
    """RFC 3339, UTC, microseconds."""
    text: str
    number: int | None
    """Of the item that it began or is about; None for a message that is nothing else."""
    state: str | None
    """Of that, as it stands."""


def enter(connection: apsw.Connection, events: Sequence[Placed]) -> None:
    """The words of each event."""
    said = made(events, lambda position, event: (position, spelled(_text_of(event.type, event.data))))
    connection.executemany("INSERT INTO search (rowid, text) VALUES (?, ?)", [one for one in said if one[1]])


MODEL = Model(
    (),
    SCHEMA,
    "",
    enter,
    tuple((type_, 1) for type_ in _SAYS),
    clear="INSERT INTO search (search) VALUES ('delete-all');",
)


def search(connection: apsw.Connection, words: str, before: int, limit: int) -> tuple[Hit, ...]:
    """The last `limit` things said that have all of `words`, the newest first.

    Case and accents do not count; the last word may be the beginning of one. Punctuation is not looked at.
    """
    query = query_of(connection, words)
    if not query:
        return ()
    values = (query, _in_front(connection, before), 2 * limit, limit)  # each is at most two: said, and meant
    found = cast(list[tuple[int, str, str, str]], page(connection, _FIND, values))
    return tuple(_hit(connection, *row) for row in found)


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
    entry = Entry(position, "", type_, 1, time, msgspec.json.decode(encoded))
    event = event_of(entry)
    key = key_of(event) or (position if begins(event) else None)
    item = None if key is None else thing(connection, key)
    number, state = (None, None) if item is None else (item.position, item.state)
    return Hit(position, type_, time, _text_of(type_, entry.data), number, state)


def _text_of(type_: str, data: dict[str, object]) -> str:
    return "\n".join([str(data[name]) for name in _SAYS[type_] if data[name] is not None])
