"""Records as lines of JSON, as anyone can check them: the same bytes for ever."""

from __future__ import annotations

import json

import msgspec

from services.event_log.records import Record

_decode = msgspec.json.Decoder(Record).decode


def to_line(record: Record) -> bytes:
    """One record as one line. Decoding its `body` gives back exactly the bytes that were hashed."""
    # json.dumps and no other encoder: which characters it escapes has never changed. ASCII alone, because
    # some readers of lines end one at U+2028 as well.
    body = json.dumps(record.body)
    head = f'{{"position":{record.position},"previous":"{record.previous}","hash":"{record.hash}","body":'
    return f"{head}{body}}}\n".encode("ascii")


def from_line(line: bytes) -> Record:
    """The record that a line holds. Raises ValueError for what is none."""
    return _decode(line)
