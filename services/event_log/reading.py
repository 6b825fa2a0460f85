"""Which records are read, and how SQLite finds them without reading the others.

Records are always given in the order of their positions. Those of some types come from the index of types,
one walk for each type and version that there is. Times are nearly in the order of positions, and only nearly,
since clocks are set back: the index of times says between which positions all of a span lie, and among those
each record is asked for its own time.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import closing
from datetime import datetime
from typing import cast

import apsw
from msgspec import Struct

from services.event_log.records import moment
from services.event_log.summary import held

PART = 128 * 1024
"""In characters: how much of the log a reader holds at a time, or else a single record."""

Row = tuple[int, str, str, str]


class Selection(Struct, frozen=True):
    """Which records are wanted. What is None leaves nothing out."""

    types: Collection[str] | None = None
    since: datetime | None = None
    """The first moment that counts, with a time zone."""
    until: datetime | None = None
    """The first moment that does not count any more, with a time zone."""

    @property
    def everything(self) -> bool:
        """Whether no record is left out."""
        return self.types is None and self.since is None and self.until is None


class Reader:
    """Reads a selection part by part, each as large as memory should hold for one caller.

    What has to be searched for the selection as a whole is searched once, when it is first read. It is
    `EventLog.part` that reads it.
    """

    def __init__(self, selection: Selection) -> None:
        self._selection = selection
        self._pages: Pages | None = None

    @property
    def everything(self) -> bool:
        """Whether no record is left out."""
        return self._selection.everything

    def part(self, connection: apsw.Connection, after: int, limit: int) -> list[Row]:
        """The first of them behind the position `after`, `limit` at most."""
        if self._pages is None:
            self._pages = Pages(connection, self._selection)
        return self._pages.page(connection, after, limit, PART)


class Pages:
    """The records of a selection, page by page, each by any connection to the log."""

    def __init__(self, connection: apsw.Connection, selection: Selection) -> None:
        self._types = selection.types
        self._conditions = ["position > ?"]
        self._values: list[str | int] = []
        self._first = 0
        self._last: int | None = None
        """Where the span ended when it was looked for; None where it has no end."""
        self._end = 0
        """Where the log ended then."""
        if selection.since is not None or selection.until is not None:
            self._span(connection, selection)

    def page(self, connection: apsw.Connection, after: int, size: int, part: int | None = None) -> list[Row]:
        """The first `size` of them behind the position `after`: (position, previous, hash, body).

        With `part`, no more of them than have so many characters, or one.
        """
        after = max(after, self._first - 1)
        if self._last is None:
            return self._page(connection, after, size, part)
        rows = self._page(connection, after, size, part, self._last) if after < self._last else []
        # What came since may be of the span too: its end lies in the future, or a clock was set back.
        return rows or self._page(connection, max(after, self._end), size, part)

    def _page(
        self, connection: apsw.Connection, after: int, size: int, part: int | None, last: int | None = None
    ) -> list[Row]:
        conditions = self._conditions if last is None else [*self._conditions, "position <= ?"]
        values = self._values if last is None else [*self._values, last]
        if self._types is None:
            found, values = " AND ".join(conditions), [after, *values]
        else:
            found, values = self._of_types(connection, after, size, conditions, values)
        sql = (
            "SELECT position, lower(hex(previous)), lower(hex(hash)), body FROM events"  # noqa: S608
            f" WHERE {found} ORDER BY position LIMIT ?"
        )
        with closing(connection.execute(sql, (*values, size))) as cursor:
            rows: list[Row] = []
            held_back = 0
            for row in cursor:
                rows.append(cast(Row, row))
                held_back += len(rows[-1][3])
                if part is not None and held_back >= part:
                    break
            return rows

    def _of_types(
        self,
        connection: apsw.Connection,
        after: int,
        size: int,
        conditions: Sequence[str],
        span: Sequence[str | int],
    ) -> tuple[str, list[str | int]]:
        wanted = [pair for pair in held(connection) if pair[0] in (self._types or ())]
        every = " AND ".join(("type = ?", "version = ?", *conditions))
        one = f"SELECT * FROM (SELECT position FROM events WHERE {every} ORDER BY position LIMIT ?)"  # noqa: S608
        values = [value for pair in wanted for value in (*pair, after, *span, size)]
        return f"position IN ({' UNION ALL '.join([one] * len(wanted))})", values

    def _span(self, connection: apsw.Connection, selection: Selection) -> None:
        """Find the positions between which all records of a span of time lie."""
        times: list[tuple[str, str]] = []
        if selection.since is not None:
            times.append((">=", moment(selection.since)))
        if selection.until is not None:
            times.append(("<", moment(selection.until)))
        span = " AND ".join(f"time {sign} ?" for sign, _ in times)
        end = cast(int | None, connection.execute("SELECT max(position) FROM events").get)
        # Both in one walk through the index: alone, each would be looked for in the records themselves.
        sql = f"SELECT min(position), max(position) FROM events WHERE {span}"  # noqa: S608
        first, last = next(connection.execute(sql, [time for _, time in times]))
        self._first = cast(int, first) if first is not None else 0
        self._conditions += [f"time {sign} ?" for sign, _ in times]
        self._values += [time for _, time in times]
        if selection.until is not None:
            self._last, self._end = cast(int, last) if last is not None else 0, end or 0
