"""The end and the contents of a log in SQLite, without reading its records. Light to import."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import cast

import apsw

from services.event_log.errors import RESTORE, DamagedError
from services.event_log.sqlite.errors import explained
from services.event_log.sqlite.schema import close
from services.event_log.summary import BEGINNING, GENESIS, Contents, Head, Summary
from services.formats import OF_ITSELF, by_type

MOST = 1_000
"""Types of events, each version counted: a service writes some thirty. A log with so many is damaged."""

# As many steps in the index as there are types and versions, and not as there are records: from each type to
# the next, and for each of them from version to version. Nothing but the index is read. A log that was made
# without it, and was not opened for appending since, is read whole for each step.
_HOLDS = """
WITH RECURSIVE
types (type) AS (
    SELECT min(type) FROM events
    UNION ALL
    SELECT (SELECT min(type) FROM events WHERE type > types.type) FROM types WHERE type IS NOT NULL
    LIMIT ?1
),
held (type, version) AS (
    SELECT type, (SELECT min(version) FROM events WHERE type = types.type) FROM types WHERE type IS NOT NULL
    UNION ALL
    SELECT type, (SELECT min(version) FROM events WHERE type = held.type AND version > held.version)
    FROM held WHERE version IS NOT NULL
    LIMIT ?1
)
SELECT type, version FROM held WHERE version IS NOT NULL
"""

_HASH_AT = "SELECT hash FROM events WHERE position = ?"
_LAST_OF = "SELECT max(position) FROM events WHERE type = ? AND version = ?"
_COUNT_BEHIND = "SELECT count(*) FROM events WHERE type = ? AND version = ? AND position > ?"
_ANY = "SELECT EXISTS (SELECT 1 FROM events)"
_LAST = "SELECT position, lower(hex(hash)) FROM events ORDER BY position DESC LIMIT 1"
_HEAD_AT = "SELECT position, lower(hex(hash)) FROM events WHERE position = ?"


class SqliteSummary(Summary):
    """One connection to the log, for the facts that need no record to be read."""

    def __init__(self, connection: apsw.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path

    def head(self) -> Head:
        with explained(self._path):
            return end_of(self._connection)

    def hash_at(self, position: int) -> str | None:
        if position == 0:
            return GENESIS
        with explained(self._path):
            row = self._connection.execute(_HASH_AT, (position,)).fetchone()
        return None if row is None else cast(bytes, row[0]).hex()

    def contents(self) -> Contents:
        with explained(self._path):
            said = last_apart_from(self._connection, OF_ITSELF)
            if said is None:
                reason = "its index of types does not match its records"
                raise DamagedError(f"{self._path} is damaged: {reason}", RESTORE)
            return Contents(end_of(self._connection), by_type(held(self._connection)), said)

    def said_behind(self, position: int) -> int:
        with explained(self._path):
            return count_apart_from(self._connection, OF_ITSELF, position)

    def close(self) -> None:
        close(self._connection, self._path)


def end_of(connection: apsw.Connection) -> Head:
    """The last record, verified or not."""
    row = connection.execute(_LAST).fetchone()
    return BEGINNING if row is None else Head(*cast(tuple[int, str], row))


def held(connection: apsw.Connection) -> list[tuple[str, int]]:
    """The (type, version) of all that the log holds, in ascending order. Raises DamagedError for too many."""
    kinds = cast(list[tuple[str, int]], connection.execute(_HOLDS, (2 * MOST,)).fetchall())
    if len(kinds) >= MOST:
        raise DamagedError(f"the event log is damaged: it holds {MOST:,} types of events or more", RESTORE)
    return kinds


def last_apart_from(connection: apsw.Connection, types: Collection[str]) -> Head | None:
    """The last record that is of none of these types; BEGINNING where there is none, and None where the index
    contradicts the table.

    One lookup in the index for each version that the log holds: the records behind that one are not walked.
    """
    kinds = held(connection)
    ends = [connection.execute(_LAST_OF, kind).get for kind in kinds if kind[0] not in types]
    if not ends:
        return BEGINNING if bool(kinds) == bool(connection.execute(_ANY).get) else None
    row = connection.execute(_HEAD_AT, (max(ends),)).fetchone()
    return Head(*cast(tuple[int, str], row)) if row else None


def count_apart_from(connection: apsw.Connection, types: Collection[str], after: int) -> int:
    """The number of records behind `after` that are of none of these types, counted in the index."""
    kinds = [kind for kind in held(connection) if kind[0] not in types]
    return sum(cast(int, connection.execute(_COUNT_BEHIND, (*kind, after)).get) for kind in kinds)
