"""Read the position of the read models without opening them for writing."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import apsw

from services.projections.files import file_of


def progress_of(stem: Path) -> int | None:
    """The position up to which this release's read models follow the log; None where that cannot be read."""
    row = head_of(stem)
    return None if row is None else row[0]


def head_of(stem: Path) -> tuple[int, str] | None:
    """The position and hash of the last record in the read models; None where these cannot be read."""
    try:
        connection = apsw.Connection(str(file_of(stem)), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            row = connection.execute("SELECT position, hash FROM progress").fetchone()
        finally:
            connection.close()
    except apsw.Error:
        return None
    return cast(tuple[int, str] | None, row)
