"""The messages that the bot announced, and what became of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import cast

import apsw
from msgspec import Struct

from services.event_log.records import Entry
from services.projections.models import Model, Value, converted

SCHEMA = """
CREATE TABLE sendings (
    position INTEGER PRIMARY KEY,
    about TEXT NOT NULL,
    text TEXT NOT NULL,
    time TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT
) STRICT;
"""

INDEXES = """
CREATE INDEX sendings_about ON sendings (about, position);
CREATE INDEX sendings_state ON sendings (state, position);
"""

ANNOUNCED, SENT, FAILED = "announced", "sent", "failed"

_STATES = {"SendingDone": SENT, "SendingFailed": FAILED}


class Sending(Struct, frozen=True):
    """An announced message."""

    position: int
    """Of its announcement in the log."""
    about: str
    text: str
    time: str
    """Of its announcement: RFC 3339, UTC, microseconds."""
    state: str
    """`announced`: it has perhaps gone out, or is about to; `sent`; `failed`: it certainly has not."""
    reason: str | None


def enter(connection: apsw.Connection, events: Sequence[Entry]) -> None:
    """Add announced messages, and note their outcomes."""
    for sql, values in converted(events, _change):
        connection.execute(sql, values)


MODEL = Model(
    ("sendings",),
    SCHEMA,
    INDEXES,
    enter,
    (("SendingAnnounced", 1), ("SendingDone", 1), ("SendingFailed", 1)),
)


def sendings(connection: apsw.Connection, states: Collection[str], limit: int = 100) -> tuple[Sending, ...]:
    """The last `limit` messages in one of `states`, the newest first."""
    marks = ", ".join("?" * len(states))
    sql = f"SELECT * FROM sendings WHERE state IN ({marks}) ORDER BY position DESC LIMIT ?"  # noqa: S608
    return tuple(_sending(row) for row in connection.execute(sql, (*sorted(states), limit)).fetchall())


def sending(connection: apsw.Connection, about: str) -> Sending | None:
    """The last message about `about`."""
    sql = "SELECT * FROM sendings WHERE about = ? ORDER BY position DESC LIMIT 1"
    row = connection.execute(sql, (about,)).fetchone()
    return None if row is None else _sending(row)


def _sending(row: object) -> Sending:
    return Sending(*cast(tuple[int, str, str, str, str, str | None], row))


def _change(event: Entry) -> tuple[str, tuple[Value, ...]]:
    if event.type == "SendingAnnounced":
        about, text = str(event.data["about"]), str(event.data["text"])
        return "INSERT INTO sendings VALUES (?, ?, ?, ?, ?, ?)", (
            *(event.position, about, text, event.time, ANNOUNCED, None),
        )
    ended = (_STATES[event.type], cast(str | None, event.data.get("reason")))
    sql = "UPDATE sendings SET state = ?, reason = ? WHERE position = ?"
    return sql, (*ended, cast(int, event.data["announced"]))
