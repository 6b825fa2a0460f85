"""The end and the contents of a log, without reading its records. Light to import.

A deploy asks for them several times, each time in a new process.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple, cast

import apsw

from services.event_log.errors import RESTORE, DamagedError, explained
from services.event_log.schema import FILE_NAME, close, open_for_reading
from services.formats import OF_ITSELF, by_type

MOST = 1_000
"""Types of events, each version for itself: a service writes some thirty. A log of so many is damaged."""

GENESIS = "0" * 64
"""The hash of the empty log: what the first record names as `previous`."""

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

_LAST_OF = "SELECT max(position) FROM events WHERE type = ? AND version = ?"
_COUNT_BEHIND = "SELECT count(*) FROM events WHERE type = ? AND version = ? AND position > ?"
_ANY = "SELECT EXISTS (SELECT 1 FROM events)"
_HEAD_AT = "SELECT position, lower(hex(hash)) FROM events WHERE position = ?"


class Head(NamedTuple):
    """The end of the log: how many records there are, and the hash of the last one."""

    position: int
    hash: str


BEGINNING = Head(0, GENESIS)


class Summary:
    """One connection to the log, for the facts that need no record to be read."""

    def __init__(self, connection: apsw.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path

    @classmethod
    def of(cls, directory: Path) -> Summary:
        """Open the log in `directory` for reading; one that does not exist yet reads as an empty one.

        Raises EventLogError.
        """
        return cls(open_for_reading(directory), directory / FILE_NAME)

    def head(self) -> Head:
        """The end of the log. Of an empty one: position 0 and the hash GENESIS."""
        with explained(self._path):
            return end_of(self._connection)

    def hash_at(self, position: int) -> str | None:
        """The hash of the record at `position`, GENESIS at 0, None where there is no record."""
        if position == 0:
            return GENESIS
        with explained(self._path):
            found = self._connection.execute(
                "SELECT hash FROM events WHERE position = ?", (position,)
            ).fetchone()
        return None if found is None else cast(bytes, found[0]).hex()

    def holds(self) -> dict[str, tuple[int, ...]]:
        """Exactly the types of events that are in the log, and of each the versions, in ascending order."""
        with explained(self._path):
            return by_type(held(self._connection))

    def said(self) -> Head:
        """The last record that is not what a service noted of itself: logs that agree in it tell the same."""
        with explained(self._path):
            found = last_apart_from(self._connection, OF_ITSELF)
        if found is None:
            raise DamagedError(
                f"{self._path} is damaged: its index of types is not that of its records", RESTORE
            )
        return found

    def said_behind(self, position: int) -> int:
        """How many records there are behind a position that are not what a service noted of itself."""
        with explained(self._path):
            return count_apart_from(self._connection, OF_ITSELF, position)

    def close(self) -> None:
        """Let go of the file."""
        close(self._connection, self._path)


def end_of(connection: apsw.Connection) -> Head:
    """The last record there is, whether it is what was appended or not."""
    sql = "SELECT position, lower(hex(hash)) FROM events ORDER BY position DESC LIMIT 1"
    found = connection.execute(sql).fetchone()
    return BEGINNING if found is None else Head(cast(int, found[0]), cast(str, found[1]))


def held(connection: apsw.Connection) -> list[tuple[str, int]]:
    """The (type, version) of all that the log holds, in ascending order. Raises DamagedError for too many."""
    found = cast(list[tuple[str, int]], connection.execute(_HOLDS, (2 * MOST,)).fetchall())
    if len(found) >= MOST:
        raise DamagedError(f"the event log is damaged: it holds {MOST:,} types of events or more", RESTORE)
    return found


def last_apart_from(connection: apsw.Connection, types: Collection[str]) -> Head | None:
    """The last record that is of none of these types; the beginning where there is none, and None where the
    index is not that of the table.

    One look into the index for each version that the log holds: what lies behind that record is not walked.
    """
    kinds = held(connection)
    ends = [connection.execute(_LAST_OF, kind).get for kind in kinds if kind[0] not in types]
    if not ends:
        return BEGINNING if bool(kinds) == bool(connection.execute(_ANY).get) else None
    found = connection.execute(_HEAD_AT, (max(ends),)).fetchone()
    return Head(*cast(tuple[int, str], found)) if found else None


def count_apart_from(connection: apsw.Connection, types: Collection[str], after: int) -> int:
    """How many records there are behind `after` that are of none of these types, counted in the index."""
    kept = [kind for kind in held(connection) if kind[0] not in types]
    return sum(cast(int, connection.execute(_COUNT_BEHIND, (*kind, after)).get) for kind in kept)
