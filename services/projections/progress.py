"""How far the read models have come, for whoever only wants to know that."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import apsw

from services.projections.database import file_of


def progress_of(stem: Path) -> int | None:
    """The position up to which this release's read models follow the log; None where that cannot be read."""
    try:
        connection = apsw.Connection(str(file_of(stem)), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            row = connection.execute("SELECT position FROM progress").fetchone()
        finally:
            connection.close()
    except apsw.Error:
        return None
    return None if row is None else cast(int, row[0])
