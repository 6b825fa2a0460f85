"""Entering events: some at a time into a file that is in use, or all into a new one, which is faster."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Collection, Iterator, Set
from hashlib import sha256
from pathlib import Path
from typing import Protocol, cast

import apsw
import msgspec

import services.projections.counts as counts
import services.projections.entries as entries
import services.projections.search as search
import services.projections.sendings as sendings
import services.projections.things as things
import services.projections.timeline as timeline
from services.projections.models import Event
from services.sqlite.transactions import transaction
from services.upcasters import UnknownEventError

MODELS = (
    timeline.MODEL,
    things.MODEL,
    entries.MODEL,
    search.MODEL,
    counts.MODEL,
    sendings.MODEL,
)

Kind = tuple[str, int]
"""A type of event, and the version of its schema."""

_TAKEN = [(model, frozenset(type_ for type_, _ in model.takes or ())) for model in MODELS]

PAGE_BYTES = 8192
"""Of a new file: one of a million events is copied in half the time that pages of SQLite's own 4096 take."""

BATCH = 2000
"""How many events are entered into a new file before anybody is asked whether to stop."""

PROGRESS = """
CREATE TABLE progress (position INTEGER NOT NULL, hash TEXT NOT NULL) STRICT;
INSERT INTO progress VALUES (0, '0000000000000000000000000000000000000000000000000000000000000000');
"""

TABLES = PROGRESS + "".join(model.schema for model in MODELS)
INDEXES = "".join(model.indexes for model in MODELS)


class Head(Protocol):
    """The log's end."""

    @property
    def position(self) -> int: ...


class Log(Protocol):
    """What is followed."""

    def replay(self, after: int = 0, limit: int | None = None) -> Iterator[tuple[int, Event]]:
        """The events behind `after`, each with its position, in today's versions."""

    def hash_at(self, position: int) -> str | None:
        """The hash of a record, None where there is none."""

    def head(self) -> Head:
        """Where it ends."""


class Stopped(Exception):
    """Building was given up, because it was asked to stop."""


def enter(connection: apsw.Connection, events: list[tuple[int, Event]]) -> None:
    """Enter events into every read model that takes them. Raises UnknownEventError and UnfitEventError."""
    kinds = {(event.type, event.version) for _, event in events}
    for model, types in _TAKEN:
        taken = events if model.takes is None else _taken(model.takes, types, events, kinds)
        if taken:
            model.enter(connection, taken)


def clear(connection: apsw.Connection) -> None:
    """Forget everything that was entered."""
    for model in MODELS:
        for table in model.tables:
            connection.execute(f"DELETE FROM {table}")  # noqa: S608
        connection.execute(model.clear)


def advance(connection: apsw.Connection, position: int, digest: str) -> None:
    """Note how far it has come."""
    connection.execute("UPDATE progress SET position = ?, hash = ?", (position, digest))


@contextlib.contextmanager
def built(
    beside: Path, log: Log, stopping: Callable[[], bool], told: Callable[[int], None]
) -> Iterator[apsw.Connection]:
    """All that `log` holds, in a new file in the directory of `beside`, which is gone afterwards.

    Raises Stopped between two batches when `stopping` says so.
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
                position = events[-1][0]
                told(position)
                if stopping():
                    raise Stopped
            connection.execute(INDEXES)
            advance(connection, position, str(log.hash_at(position)))
        yield connection


def digest(connection: apsw.Connection) -> str:
    """SHA-256 over all that was entered, and how far it has come, as hex digits: equal for equal builds."""
    found = sha256()
    with transaction(connection, "DEFERRED"):
        for table in ("progress", *(table for model in MODELS for table in model.tables)):
            found.update(f"{table}\n".encode())
            rows = connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2")  # noqa: S608
            for row in cast(Iterator[tuple[object, ...]], rows):
                found.update(msgspec.json.encode(row) + b"\n")
    return found.hexdigest()


def _taken(
    takes: Collection[Kind], types: Set[str], events: list[tuple[int, Event]], kinds: Set[Kind]
) -> list[tuple[int, Event]]:
    """Those of `events`, which are of these `kinds`, that one takes who takes `takes`, which are of `types`.

    Looked at by their kinds, and not one by one: that was a tenth of all that building took.
    """
    wanted = {kind for kind in kinds if kind[0] in types}
    unknown = wanted.difference(takes)
    if unknown:
        raise next(
            UnknownEventError(position, event.type, event.version)
            for position, event in events
            if (event.type, event.version) in unknown
        )
    if wanted == kinds:
        return events
    return [item for item in events if item[1].type in types] if wanted else []
