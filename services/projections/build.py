"""Enter events into the read models: some at a time into a file in use, or all into a new one (faster)."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Collection, Iterator, Set
from hashlib import sha256
from pathlib import Path
from typing import cast

import apsw
import msgspec

import services.projections.counts as counts
import services.projections.entries as entries
import services.projections.items as items
import services.projections.search as search
import services.projections.sendings as sendings
import services.projections.timeline as timeline
from services.event_log.log import EventLog
from services.event_log.records import Entry
from services.sqlite.transactions import transaction
from services.upcasters import UnknownEventError

MODELS = (
    timeline.MODEL,
    items.MODEL,
    entries.MODEL,
    search.MODEL,
    counts.MODEL,
    sendings.MODEL,
)

Kind = tuple[str, int]
"""A type of event, and the version of its schema."""

_TYPES = [(model, frozenset(type_ for type_, _ in model.events or ())) for model in MODELS]

PAGE_BYTES = 8192
"""Of a new file: one of a million events is copied in half the time that pages of SQLite's own 4096 take."""

BATCH = 2000
"""The number of events that are entered into a new file between two calls of `stopping`."""

PROGRESS = """
CREATE TABLE progress (position INTEGER NOT NULL, hash TEXT NOT NULL) STRICT;
INSERT INTO progress VALUES (0, '0000000000000000000000000000000000000000000000000000000000000000');
"""

TABLES = PROGRESS + "".join(model.schema for model in MODELS)
INDEXES = "".join(model.indexes for model in MODELS)


class Stopped(Exception):
    """Building has ended because `stopping` returned True."""


def enter(connection: apsw.Connection, events: list[Entry]) -> None:
    """Enter events into every read model that handles them. Raises UnknownEventError and BadEventError."""
    kinds = {(event.type, event.version) for event in events}
    for model, types in _TYPES:
        handled = events if model.events is None else _handled(model.events, types, events, kinds)
        if handled:
            model.enter(connection, handled)


def clear(connection: apsw.Connection) -> None:
    """Remove all rows."""
    for model in MODELS:
        for table in model.tables:
            connection.execute(f"DELETE FROM {table}")  # noqa: S608
        connection.execute(model.clear)


def advance(connection: apsw.Connection, position: int, digest: str) -> None:
    """Note the position that was reached."""
    connection.execute("UPDATE progress SET position = ?, hash = ?", (position, digest))


@contextlib.contextmanager
def built(
    beside: Path, log: EventLog, stopping: Callable[[], bool], progress: Callable[[int], object]
) -> Iterator[apsw.Connection]:
    """Read models of all that `log` holds, in a new file beside `beside` that is removed afterwards.

    Raises Stopped between two batches when `stopping` returns True.
    """
    path = beside.with_name(f"{beside.name}.building-{secrets.token_hex(4)}")
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    with contextlib.closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)) as connection:
        connection.pragma("page_size", PAGE_BYTES)
        connection.pragma("journal_mode", "OFF")
        connection.pragma("synchronous", "OFF")
        connection.pragma("locking_mode", "EXCLUSIVE")
        path.unlink()  # it lives as long as it is open: however this ends, nothing is left behind
        with transaction(connection):
            connection.execute(TABLES)
            position = 0
            while events := list(log.replay(position, BATCH)):
                enter(connection, events)
                position = events[-1].position
                progress(position)
                if stopping():
                    raise Stopped
            connection.execute(INDEXES)
            advance(connection, position, str(log.hash_at(position)))
        yield connection


def digest(connection: apsw.Connection) -> str:
    """SHA-256 of all rows and of the position that was reached, as hex digits: equal for equal builds."""
    rows_digest = sha256()
    with transaction(connection, "DEFERRED"):
        for table in ("progress", *(table for model in MODELS for table in model.tables)):
            rows_digest.update(f"{table}\n".encode())
            rows = connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2")  # noqa: S608
            for row in cast(Iterator[tuple[object, ...]], rows):
                rows_digest.update(msgspec.json.encode(row) + b"\n")
    return rows_digest.hexdigest()


def _handled(
    handles: Collection[Kind], types: Set[str], events: list[Entry], kinds: Set[Kind]
) -> list[Entry]:
    """The events that a read model with these `types` handles. `kinds` are those of all `events`.

    The kinds are compared, and not each event: that was a tenth of the time that building took.
    """
    matching = {kind for kind in kinds if kind[0] in types}
    unknown = matching.difference(handles)
    if unknown:
        raise next(
            UnknownEventError(event.position, event.type, event.version)
            for event in events
            if (event.type, event.version) in unknown
        )
    if matching == kinds:
        return events
    return [event for event in events if event.type in types] if matching else []
