"""What a read model is: its tables, and what events make of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Protocol, TypeVar

import apsw
from msgspec import Struct

from services.errors import HelionyxError

T = TypeVar("T")

Value = str | int | None


class Event(Protocol):
    """What is entered, as the event log's envelope has it."""

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


Placed = tuple[int, Event]
"""An event and its position."""


class UnfitEventError(HelionyxError):
    """An event says something else than its type and version promise."""


class Model(Struct, frozen=True):
    """One read model."""

    tables: tuple[str, ...]
    """Those whose rows it consists of, each with its key as the first columns."""
    schema: str
    indexes: str
    """Made when new tables are full, which is faster than along with them."""
    enter: Callable[[apsw.Connection, Sequence[Placed]], None]
    """Enters events in their order. Only those that it takes are given."""
    takes: Collection[tuple[str, int]] | None
    """The (type, version) of the events that it is for; None: every one."""
    clear: str = ""
    """What empties it beside its tables."""


def made(events: Sequence[Placed], make: Callable[[int, Event], T]) -> list[T]:
    """What `make` makes of each event. Raises UnfitEventError, which says of which it could make nothing."""
    found: list[T] = []
    try:
        for position, event in events:
            found.append(make(position, event))
    except (KeyError, TypeError, ValueError) as error:
        raise UnfitEventError(
            f"expected the data of a {event.type} at position {position}, found {error!r}",
            "it was not written by a release of this service; verify tells whether the log is whole",
        ) from error
    return found
