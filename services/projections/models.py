"""A read model: its tables, and the function that enters events into them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Protocol, TypeVar

import apsw
from msgspec import Struct

from services.errors import HelionyxError

T = TypeVar("T")

Value = str | int | None

Query = Callable[[apsw.Connection], T]
"""A query of the read models, such as `counts.counts`."""


class Event(Protocol):
    """An event to be entered: an envelope of the event log."""

    @property
    def id(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def time(self) -> str: ...
    @property
    def data(self) -> dict[str, object]: ...


Positioned = tuple[int, Event]
"""An event and its position."""


class BadEventError(HelionyxError):
    """The data of an event does not match its type and version."""


class Model(Struct, frozen=True):
    """One read model."""

    tables: tuple[str, ...]
    """The tables of its rows, each with its key as the first columns."""
    schema: str
    indexes: str
    """Created when new tables are full, which is faster."""
    enter: Callable[[apsw.Connection, Sequence[Positioned]], None]
    """Enters events, given in their order."""
    events: Collection[tuple[str, int]] | None
    """The (type, version) of the events that it handles; None: all."""
    clear: str = ""
    """SQL that empties it, beside its tables."""


def converted(events: Sequence[Positioned], convert: Callable[[int, Event], T]) -> list[T]:
    """Convert each event. Raises BadEventError, which names the event that `convert` refuses."""
    rows: list[T] = []
    try:
        for position, event in events:
            rows.append(convert(position, event))
    except (KeyError, TypeError, ValueError) as error:
        raise BadEventError(
            f"expected the data of a {event.type} at position {position}, found {error!r}",
            "it was not written by a release of this service; services.event_log verify checks the log",
        ) from error
    return rows
