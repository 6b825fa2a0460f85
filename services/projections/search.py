"""All words that were said, and where."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import cast

import apsw
import msgspec
from msgspec import Struct

from services.projections.models import Model, Placed, made
from services.projections.pages import page

_TOKENIZER = ("unicode61", "remove_diacritics", "2")

# In which events a word is, and not where in them: what was said is in the timeline.
SCHEMA = f"""
CREATE VIRTUAL TABLE search USING fts5(
    text, content = '', columnsize = 0, detail = none, tokenize = "{" ".join(_TOKENIZER)}"
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


class Hit(Struct, frozen=True):
    """Something that was said. The member names are those of the JSON.

    A message that was taken as something is found as both: as it was said, and as what it was taken as.
    """

    position: int
    """Of its event in the log."""
    type: str
    time: str
    """RFC 3339, UTC, microseconds."""
    text: str


def enter(connection: apsw.Connection, events: Sequence[Placed]) -> None:
    """The words of each event."""
    said = made(events, lambda position, event: (position, _normal(_said(event.type, event.data))))
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

    Case and accents do not count; the last word may be the beginning of one. Nothing but words is looked at.
    """
    wanted = _words(connection, words)
    if not wanted:
        return ()
    query = " ".join(f'"{word}"' for word in wanted) + "*"
    sql = """
        SELECT position, type, time, data FROM timeline WHERE position IN
        (SELECT rowid FROM search WHERE search MATCH ? AND rowid < ? ORDER BY rowid DESC LIMIT ?)
        ORDER BY position DESC
    """
    found = cast(list[tuple[int, str, str, str]], page(connection, sql, (query, before, limit)))
    return tuple(Hit(*row[:3], _said(row[1], msgspec.json.decode(row[3]))) for row in found)


def _words(connection: apsw.Connection, text: str) -> list[str]:
    """The words of a text, as they were taken out of what was said."""
    tokenizer = connection.fts5_tokenizer(_TOKENIZER[0], list(_TOKENIZER[1:]))
    found = tokenizer(
        _normal(text).encode(errors="replace"),
        apsw.FTS5_TOKENIZE_QUERY,
        None,
        include_offsets=False,
        include_colocated=False,
    )
    return cast(list[str], found)


def _normal(text: str) -> str:
    """One spelling of what can be spelled in several ways, such as kana and Hangul of some keyboards."""
    return unicodedata.normalize("NFC", text)


def _said(type_: str, data: dict[str, object]) -> str:
    return "\n".join([str(data[name]) for name in _SAYS[type_] if data[name] is not None])
