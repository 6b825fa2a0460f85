"""A page of rows: no more than memory should hold for one caller."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

import apsw

END = (1 << 63) - 1
"""A position behind every event."""

PAGE = 1 << 20
"""In characters: the most that a page holds, or else a single row."""


def page(
    connection: apsw.Connection, sql: str, values: Sequence[str | int], size: int = PAGE
) -> list[tuple[object, ...]]:
    """The first rows of a query, until their texts have `size` characters: none only where there are none."""
    rows: list[tuple[object, ...]] = []
    characters = 0
    with closing(connection.execute(sql, values)) as cursor:
        for row in cursor:
            rows.append(row)
            characters += sum(len(value) for value in row if isinstance(value, str))
            if characters >= size:
                break
    return rows
