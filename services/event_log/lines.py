"""Records as lines of JSON: the same bytes for ever, which any program can verify."""

from __future__ import annotations

import json

import msgspec

from services.event_log.records import Record

_decode = msgspec.json.Decoder(Record).decode


def to_line(record: Record) -> bytes:
    """Encode a record as one line. Decoding its `body` gives back exactly the bytes that were hashed."""
    # json.dumps and no other encoder: which characters it escapes has never changed. ASCII alone, because
    # some readers of lines end one at U+2028 as well.
    body = json.dumps(record.body)
    head = f'{{"position":{record.position},"previous":"{record.previous}","hash":"{record.hash}","body":'
    return f"{head}{body}}}\n".encode("ascii")


def from_line(line: bytes) -> Record:
    """Decode a line. Raises ValueError for a line that is no record."""
    return _decode(line)
