"""A page of rows: as many as were asked for, and no more than memory should hold for one caller."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

import apsw

PAGE = 1 << 20
"""In characters: how much of what was said a page holds, or else a single row."""


def page(connection: apsw.Connection, sql: str, values: Sequence[str | int]) -> list[tuple[object, ...]]:
    """The first rows of a query, until their texts are PAGE characters: none only where there is none."""
    rows: list[tuple[object, ...]] = []
    held = 0
    with closing(connection.execute(sql, values)) as cursor:
        for row in cursor:
            rows.append(row)
            held += sum(len(value) for value in row if isinstance(value, str))
            if held >= PAGE:
                break
    return rows
