"""How what happens is kept in the log, and how it is read again."""

from __future__ import annotations

from typing import Protocol, get_args

import msgspec

from services.domain.events import Event
from services.event_log import Draft, Record
from services.formats import UNDERSTOOD

CLASSES: dict[str, type[Event]] = {kind.__name__: kind for kind in get_args(Event)}
"""Each type of event, and what it is in the domain."""

_VERSIONS = dict(UNDERSTOOD)
_NAMES = {kind: [name for name in kind.__struct_fields__ if name != "time"] for kind in CLASSES.values()}


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
    # As it is read again, so that a repeat is equal to the first.
    values = [(name, getattr(event, name)) for name in _NAMES[type(event)]]
    data = {name: list(value) if isinstance(value, tuple) else value for name, value in values}
    return Draft(type_, _VERSIONS[type_], event.time, data, key)


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
