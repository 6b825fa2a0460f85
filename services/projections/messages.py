"""The messages, in the order in which they were recorded: those of the timeline."""

from __future__ import annotations

from typing import cast

import apsw
import msgspec
from msgspec import Struct

from services.event_log.records import Entry
from services.projections.pages import page


class Message(Struct, frozen=True):
    """One message. The member names are those of the JSON."""

    position: int
    """Of its event in the log."""
    id: str
    time: str
    """RFC 3339, UTC, microseconds."""
    text: str
    source: str
    said_at: str
    """The time when it was said, or else recorded. RFC 3339, UTC, microseconds."""
    origin: dict[str, object] | None = None
    """The chat message that it came from, if any."""


class _Data(msgspec.Struct):
    text: str
    source: str
    said_at: str | None = None
    origin: dict[str, object] | None = None


_decode = msgspec.json.Decoder(_Data).decode


def after(connection: apsw.Connection, position: int, limit: int) -> tuple[Message, ...]:
    """The first `limit` messages behind `position`, or as many of them as a page holds."""
    sql = (
        "SELECT position, id, time, data FROM timeline WHERE type = 'MessageRecorded' AND position > ?"
        " ORDER BY position LIMIT ?"
    )
    rows = cast(list[tuple[int, str, str, str]], page(connection, sql, (position, limit)))
    return tuple(_message(*row[:3], _decode(row[3])) for row in rows)


def check(data: dict[str, object]) -> None:
    """Raise ValueError for data that is no message."""
    msgspec.convert(data, _Data)


def message_of(event: Entry) -> Message:
    """The message of an event. Raises ValueError for data that is none."""
    return _message(event.position, event.id, event.time, msgspec.convert(event.data, _Data))


def _message(position: int, id_: str, time: str, data: _Data) -> Message:
    return Message(position, id_, time, data.text, data.source, data.said_at or time, data.origin)
