"""How what happens is kept in the log, and how it is shown again."""

from __future__ import annotations

import msgspec

from services.domain.events import Event, MessageRecorded
from services.event_log import Draft, Record
from services.formats import MESSAGE_RECORDED
from services.projections import Message


class _MessageData(msgspec.Struct):
    """What the log holds of a message."""

    text: str
    source: str


KEPT_AS: dict[type[Event], tuple[str, int]] = {MessageRecorded: MESSAGE_RECORDED}
"""The (type, version) under which the log holds each kind of event."""


def draft_of(event: Event, idempotency_key: str | None) -> Draft:
    """The event as the log takes it."""
    # Each source has keys of its own, so that none can take another one's.
    key = None if idempotency_key is None else f"{event.source}:{idempotency_key}"
    data = {"text": event.text, "source": event.source}
    type_, version = KEPT_AS[type(event)]
    return Draft(type_, version, event.time, data, key)


def message_of(record: Record) -> Message:
    """The message that a record keeps. Raises UnknownEventError where it keeps none that is known."""
    event = record.envelope().understood(record.position)
    data = msgspec.convert(event.data, _MessageData)
    return Message(record.position, event.id, event.time, data.text, data.source)


def fits(record: Record) -> None:
    """Raise ValueError for a record whose type is known here, and that does not say what that promises."""
    event = record.envelope().today()
    if (event.type, event.version) == MESSAGE_RECORDED:
        msgspec.convert(event.data, _MessageData)
