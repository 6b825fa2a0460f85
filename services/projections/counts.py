"""The number of events of each type."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import cast

import apsw

from services.event_log.records import Entry
from services.projections.models import Model

SCHEMA = "CREATE TABLE counts (type TEXT PRIMARY KEY, events INTEGER NOT NULL) STRICT, WITHOUT ROWID;\n"

_ADD = "INSERT INTO counts VALUES (?, ?) ON CONFLICT DO UPDATE SET events = events + excluded.events"


def enter(connection: apsw.Connection, events: Sequence[Entry]) -> None:
    """Add the events to the numbers."""
    connection.executemany(_ADD, sorted(Counter(event.type for event in events).items()))


MODEL = Model(("counts",), SCHEMA, "", enter, None)


def counts(connection: apsw.Connection) -> dict[str, int]:
    """The number of events of each type, in alphabetical order."""
    sql = "SELECT type, events FROM counts ORDER BY type"
    return dict(cast(list[tuple[str, int]], connection.execute(sql).fetchall()))
