"""The messages, in the order in which they were recorded: those of the timeline."""

from __future__ import annotations

from typing import cast

import apsw
import msgspec
from msgspec import Struct

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


class _Data(msgspec.Struct):
    text: str
    source: str


_decode = msgspec.json.Decoder(_Data).decode


def after(connection: apsw.Connection, position: int, limit: int) -> tuple[Message, ...]:
    """The first `limit` messages behind `position`, or as many of them as a page holds."""
    sql = (
        "SELECT position, id, time, data FROM timeline WHERE type = 'MessageRecorded' AND position > ?"
        " ORDER BY position LIMIT ?"
    )
    found = cast(list[tuple[int, str, str, str]], page(connection, sql, (position, limit)))
    return tuple(_message(*row) for row in found)


def check(data: dict[str, object]) -> None:
    """Raise ValueError where the data of a message is none."""
    msgspec.convert(data, _Data)


def _message(position: int, id_: str, time: str, data: str) -> Message:
    said = _decode(data)
    return Message(position, id_, time, said.text, said.source)
