"""The format of a record, byte by byte. It never changes: every record ever written is read by these rules.

A record is a *body* and its place in the chain:

- `position`: 1 for the first record, and one more for each next one, without gaps;
- `body`: a JSON object as UTF-8 text, stored once and never serialised again, with the members `id` (a UUID
  of version 7), `type`, `version` (of the event's schema, a whole number), `time` (RFC 3339, UTC,
  microseconds, ending in Z), `data` (an object) and, only where the caller gave one, `idempotency_key`; where
  its words were replaced, `redacted`, the position of the event that says so;
- `previous`: the hash of the record before, or 32 zero bytes for the first;
- `hash`: SHA-256 over exactly 32 + 8 + n bytes: `previous`, then `position` as an unsigned big-endian integer
  of 8 bytes, then the n bytes of `body`.

Hashes are 32 bytes in the file and 64 lower-case hex digits everywhere else.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import msgspec

from services.formats import UNDERSTOOD
from services.upcasters import UPCASTERS, UnknownEventError, upcast

_encode = msgspec.json.Encoder().encode


def chain_hash(previous: bytes, position: int, body: bytes) -> bytes:
    """The hash of the record with this place and body, as 32 bytes."""
    return sha256(previous + position.to_bytes(8, "big") + body).digest()


def new_id() -> str:
    """A UUID of version 7: in the order of time, to a quarter of a microsecond, and unique."""
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    fraction = rest * 4096 // 1_000_000
    random = int.from_bytes(os.urandom(8), "big") >> 2
    number = milliseconds << 80 | 7 << 76 | fraction << 64 | 2 << 62 | random
    digits = f"{number:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def moment(time: datetime) -> str:
    """A time as bodies have it, in which texts are in the order of time. Raises ValueError: no time zone."""
    if time.tzinfo is None:
        raise ValueError(f"expected a time with a time zone, found {time.isoformat()}")
    return time.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


class Entry(msgspec.Struct, kw_only=True, gc=False, omit_defaults=True):
    """An event as the log has it: the members of a body, and their position.

    As JSON it is shown to callers, with the members in this order.
    """

    position: int = 0
    """The position of its record; 0 before it is appended. Not a part of the body."""
    id: str
    type: str
    version: int
    time: str
    """RFC 3339, UTC, microseconds."""
    idempotency_key: str | None = None
    redacted: int | None = None
    """The position of the EventRedacted that notes why the words were replaced."""
    data: dict[str, object]

    def body(self) -> str:
        """The text that is stored. Raises ValueError for text that is not Unicode."""
        body = msgspec.structs.replace(self, position=0) if self.position else self
        return _encode(body).decode()

    def today(self) -> Entry:
        """The event in the newest version to which it can be upcast."""
        if (self.type, self.version) not in UPCASTERS:
            return self
        version, data = upcast(self.type, self.version, self.data, UPCASTERS)
        return msgspec.structs.replace(self, version=version, data=data)

    def understood(self) -> Entry:
        """The event in a version of today. Raises UnknownEventError."""
        event = self.today()
        if (event.type, event.version) not in UNDERSTOOD:
            raise UnknownEventError(self.position, self.type, self.version)
        return event


def new_entry(
    type_: str,
    version: int,
    time: datetime,
    data: dict[str, Any],
    idempotency_key: str | None = None,
    id_: str | None = None,
) -> Entry:
    """An event to append. Raises ValueError for a `time` without a time zone."""
    return Entry(
        id=id_ or new_id(),
        type=type_,
        version=version,
        time=moment(time),
        idempotency_key=idempotency_key,
        data=data,
    )


Changed = Mapping[int, Entry]
"""Rewritten events, by position."""

_decode = msgspec.json.Decoder(Entry).decode


def decode(position: int, body: str) -> Entry:
    """Parse the body of the record at `position`. Raises msgspec.MsgspecError for a text that is none."""
    entry = _decode(body)
    entry.position = position
    return entry


class Append(msgspec.Struct, frozen=True):
    """The events that one caller appends: all of them, or none."""

    drafts: Sequence[Entry]
    subject: Hashable = None
    """The subject of `refused`: two appends about one never share a transaction. None: no subject."""
    refused: Callable[[], Exception | None] = lambda: None
    """Called in the transaction before anything is appended: the error that refuses this append, or None.

    A repeat is answered as the first time, whatever this returns.
    """

    def problem(self) -> Exception | None:
        """The error that refuses this append; None where none does."""
        keys = [draft.idempotency_key for draft in self.drafts if draft.idempotency_key is not None]
        refusal = self.refused()
        if refusal is None and len(set(keys)) != len(keys):
            return ValueError("expected another idempotency key for each draft of an append")
        return refusal


class Record(msgspec.Struct, frozen=True, gc=False):
    """A record as it is stored."""

    position: int
    previous: str
    hash: str
    body: str

    def entry(self) -> Entry:
        """The parsed body. Raises msgspec.MsgspecError for a body that is none."""
        return decode(self.position, self.body)


def repeats(draft: Entry, record: Record) -> bool:
    """Whether the draft repeats the record; a redacted record is compared by type and key only.

    Raises msgspec.DecodeError where the body of the record cannot be read.
    """
    stored = record.entry()
    if stored.redacted is not None:
        return (stored.type, stored.idempotency_key) == (draft.type, draft.idempotency_key)
    return _content(stored.today()) == _content(draft.today())


def _content(event: Entry) -> tuple[object, ...]:
    """The members of an event that its caller chose."""
    return event.type, event.version, event.idempotency_key, event.data
