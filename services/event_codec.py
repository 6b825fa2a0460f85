"""Convert domain events to log records and back."""

from __future__ import annotations

from datetime import datetime
from typing import get_args

import msgspec

from services.domain.events import Event
from services.event_log.records import Entry, Record, moment, new_entry
from services.formats import UNDERSTOOD

CLASSES: dict[str, type[Event]] = {kind.__name__: kind for kind in get_args(Event)}
"""The domain's class of each type of event."""

_VERSIONS = dict(UNDERSTOOD)
_DEFAULTS = {
    kind: [(field.name, field.default) for field in msgspec.structs.fields(kind) if field.name != "time"]
    for kind in CLASSES.values()
}
"""The members of each type of event, with their defaults."""


def draft_of(event: Event, idempotency_key: str | None = None) -> Entry:
    """Convert an event to an entry that is to be appended."""
    # Each source has keys of its own, so that none can take another one's.
    key = None if idempotency_key is None else f"{event.source}:{idempotency_key}"
    type_ = type(event).__name__
    # What is at its default is left out: such members came later, and the event is as it was without them.
    values = [(name, getattr(event, name), default) for name, default in _DEFAULTS[type(event)]]
    data = {name: _plain(value) for name, value, default in values if value is not default}
    return new_entry(type_, _VERSIONS[type_], event.time, data, key)


def _plain(value: object) -> object:
    """A value as it is read again, so that a repeat is equal to the first."""
    if isinstance(value, datetime):
        return moment(value)
    # Not by to_builtins: it leaves a tuple a tuple, and a repeat was refused as another event.
    return msgspec.json.decode(msgspec.json.encode(value))


def event_of(entry: Entry) -> Event:
    """The domain event of an entry in today's version.

    Raises ValueError where its data is not what its type promises, and KeyError for an unknown type.
    """
    kind = CLASSES[entry.type]
    return msgspec.convert({**entry.data, "time": entry.time}, kind)


def fits(record: Record) -> None:
    """Raise ValueError for a record whose data does not match its type, where the type is known here."""
    event = record.entry().today()
    if (event.type, event.version) in UNDERSTOOD:
        event_of(event)
