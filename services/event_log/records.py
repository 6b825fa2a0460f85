"""What a record is, byte by byte. This never changes: every record ever written is read by these rules.

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


class Draft(msgspec.Struct, frozen=True):
    """An event that is to be appended."""

    type: str
    version: int
    time: datetime
    """With a time zone."""
    data: Mapping[str, object]
    idempotency_key: str | None = None
    id: str = msgspec.field(default_factory=new_id)

    def body(self) -> str:
        """The text that is stored. Raises ValueError: no time zone, or text that is not Unicode."""
        members = {"id": self.id, "type": self.type, "version": self.version, "time": moment(self.time)}
        if self.idempotency_key is not None:
            members["idempotency_key"] = self.idempotency_key
        return _encode({**members, "data": self.data}).decode()


class Append(msgspec.Struct, frozen=True):
    """What one caller wants appended: all of it, or nothing."""

    drafts: Sequence[Draft]
    expected_position: int | None = None
    """Where the log has to end for it; None: anywhere."""
    subject: Hashable = None
    """What `refused` is about: two appends about one never share a transaction. None: about nothing."""
    refused: Callable[[], Exception | None] = lambda: None
    """Asked in the transaction, in front of everything that is appended in it: why this is not, if it is not.

    What it says of a repeat is not heard: that has its answer.
    """


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """What a body says."""

    id: str
    type: str
    version: int
    time: str
    data: dict[str, object]
    idempotency_key: str | None = None
    redacted: int | None = None
    """The position of the EventRedacted that says why its words were replaced."""

    def body(self) -> str:
        """The text that is stored."""
        members: dict[str, object] = {"id": self.id, "type": self.type}
        members |= {"version": self.version, "time": self.time}
        if self.idempotency_key is not None:
            members["idempotency_key"] = self.idempotency_key
        if self.redacted is not None:
            members["redacted"] = self.redacted
        return _encode({**members, "data": self.data}).decode()

    def today(self) -> Envelope:
        """The event in the newest version to which there is a way."""
        if (self.type, self.version) not in UPCASTERS:
            return self
        version, data = upcast(self.type, self.version, self.data, UPCASTERS)
        return msgspec.structs.replace(self, version=version, data=data)

    def understood(self, position: int) -> Envelope:
        """The same, for who has to understand it. Raises UnknownEventError, which names `position`."""
        event = self.today()
        if (event.type, event.version) not in UNDERSTOOD:
            raise UnknownEventError(position, self.type, self.version)
        return event


decode = msgspec.json.Decoder(Envelope).decode
"""What a body says, from its text. Raises msgspec.MsgspecError for what is none."""


class Record(msgspec.Struct, frozen=True, gc=False):
    """A record as it is stored."""

    position: int
    previous: str
    hash: str
    body: str

    def envelope(self) -> Envelope:
        """What the body says."""
        return decode(self.body)


def content(event: Draft | Record) -> tuple[object, ...]:
    """What has to be equal for a repeat to be one: all that the caller chose, in whatever version."""
    if isinstance(event, Record):
        stored = event.envelope().today()
        return stored.type, stored.version, stored.idempotency_key, stored.data
    version, data = upcast(event.type, event.version, msgspec.to_builtins(event.data), UPCASTERS)
    return event.type, version, event.idempotency_key, data
