"""Find the records of a selection in SQLite without reading the others.

Records are always given in the order of their positions. Those of some types come from the index of types,
one walk for each type and version that there is. Times are nearly in the order of positions, and only nearly,
since clocks are set back: the index of times says between which positions all of a span lie, and among those
each record is asked for its own time.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import cast

import apsw

from services.event_log.reading import Selection
from services.event_log.records import moment
from services.event_log.sqlite.summary import held

PART = 128 * 1024
"""In characters: the most that is read at a time, or else a single record."""

Row = tuple[int, str, str, str]


class Pages:
    """The records of a selection, page by page, each by any connection to the log."""

    def __init__(self, connection: apsw.Connection, selection: Selection) -> None:
        self._types = selection.types
        self._conditions = ["position > ?"]
        self._values: list[str | int] = []
        self._first = 0
        self._last: int | None = None
        """The end of the span when the span was searched for; None where it has no end."""
        self._end = 0
        """The end of the log then."""
        if selection.since is not None or selection.until is not None:
            self._span(connection, selection)

    def page(self, connection: apsw.Connection, after: int, size: int) -> list[Row]:
        """The first `size` rows behind position `after`: fewer where they have more than PART characters."""
        after = max(after, self._first - 1)
        if self._last is None:
            return self._page(connection, after, size)
        rows = self._page(connection, after, size, self._last) if after < self._last else []
        # Later records may be of the span too: its end lies in the future, or a clock was set back.
        return rows or self._page(connection, max(after, self._end), size)

    def _page(self, connection: apsw.Connection, after: int, size: int, last: int | None = None) -> list[Row]:
        conditions = self._conditions if last is None else [*self._conditions, "position <= ?"]
        values = self._values if last is None else [*self._values, last]
        if self._types is None:
            condition, values = " AND ".join(conditions), [after, *values]
        else:
            condition, values = self._of_types(connection, after, size, conditions, values)
        sql = (
            "SELECT position, lower(hex(previous)), lower(hex(hash)), body FROM events"  # noqa: S608
            f" WHERE {condition} ORDER BY position LIMIT ?"
        )
        with closing(connection.execute(sql, (*values, size))) as cursor:
            rows: list[Row] = []
            characters = 0
            for row in cursor:
                rows.append(cast(Row, row))
                characters += len(rows[-1][3])
                if characters >= PART:
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
        kinds = [kind for kind in held(connection) if kind[0] in (self._types or ())]
        every = " AND ".join(("type = ?", "version = ?", *conditions))
        one = f"SELECT * FROM (SELECT position FROM events WHERE {every} ORDER BY position LIMIT ?)"  # noqa: S608
        values = [value for kind in kinds for value in (*kind, after, *span, size)]
        return f"position IN ({' UNION ALL '.join([one] * len(kinds))})", values

    def _span(self, connection: apsw.Connection, selection: Selection) -> None:
        """Find the positions between which all records of a span of time lie."""
        times: list[tuple[str, str]] = []
        if selection.since is not None:
            times.append((">=", moment(selection.since)))
        if selection.until is not None:
            times.append(("<", moment(selection.until)))
        span = " AND ".join(f"time {sign} ?" for sign, _ in times)
        end = cast(int | None, connection.execute("SELECT max(position) FROM events").get)
        # Both in one walk through the index: alone, each would be searched for in the records themselves.
        sql = f"SELECT min(position), max(position) FROM events WHERE {span}"  # noqa: S608
        first, last = next(connection.execute(sql, [time for _, time in times]))
        self._first = cast(int, first) if first is not None else 0
        self._conditions += [f"time {sign} ?" for sign, _ in times]
        self._values += [time for _, time in times]
        if selection.until is not None:
            self._last, self._end = cast(int, last) if last is not None else 0, end or 0
