"""How what happens is kept in the log, and how it is read again."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol, get_args

import msgspec

from services.domain.events import Event
from services.event_log import Draft, Record
from services.event_log.records import moment
from services.formats import UNDERSTOOD

CLASSES: dict[str, type[Event]] = {kind.__name__: kind for kind in get_args(Event)}
"""Each type of event, and what it is in the domain."""

_VERSIONS = dict(UNDERSTOOD)
_DEFAULTS = {
    kind: [(field.name, field.default) for field in msgspec.structs.fields(kind) if field.name != "time"]
    for kind in CLASSES.values()
}
"""The members of each type of event, and what one stands for that is left out."""


class Stored(Protocol):
    """An event as an envelope of the log, or a row of the timeline, has it."""

    @property
    def type(self) -> str: ...
    @property
    def time(self) -> str: ...
    @property
    def data(self) -> dict[str, object]: ...


def draft_of(event: Event, idempotency_key: str | None = None) -> Draft:
    """The event as the log takes it."""
    # Each source has keys of its own, so that none can take another one's.
    key = None if idempotency_key is None else f"{event.source}:{idempotency_key}"
    type_ = type(event).__name__
    # What is at its default is left out: such members came later, and the event is as it was without them.
    values = [(name, getattr(event, name), default) for name, default in _DEFAULTS[type(event)]]
    data = {name: _plain(value) for name, value, default in values if value is not default}
    return Draft(type_, _VERSIONS[type_], event.time, data, key)


def _plain(value: object) -> object:
    """A value as it is read again, so that a repeat is equal to the first."""
    if isinstance(value, datetime):
        return moment(value)
    # Not by to_builtins: it leaves a tuple a tuple, and a repeat was refused as another event.
    return msgspec.json.decode(msgspec.json.encode(value))


def event_of(stored: Stored) -> Event:
    """What an event of today's version says.

    Raises ValueError where its data is not what its type promises, and KeyError for an unknown type.
    """
    kind = CLASSES[stored.type]
    return msgspec.convert({**stored.data, "time": stored.time}, kind)


def fits(record: Record) -> None:
    """Raise ValueError for a record whose type is known here, and that does not say what that promises."""
    event = record.envelope().today()
    if (event.type, event.version) in UNDERSTOOD:
        event_of(event)
