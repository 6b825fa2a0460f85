"""Read the position of the read models without opening them for writing."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import apsw

from services.event_log.summary import Head
from services.projections.files import file_of


def head_of(stem: Path) -> Head | None:
    """The last record in this release's read models; None where these cannot be read."""
    try:
        connection = apsw.Connection(str(file_of(stem)), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            row = connection.execute("SELECT position, hash FROM progress").fetchone()
        finally:
            connection.close()
    except apsw.Error:
        return None
    return None if row is None else Head(*cast(tuple[int, str], row))
