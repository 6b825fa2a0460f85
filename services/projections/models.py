"""A read model: its tables, and the function that enters events into them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

import apsw
from msgspec import Struct

from services.errors import HelionyxError
from services.event_log.records import Entry

T = TypeVar("T")

Value = str | int | None

Query = Callable[[apsw.Connection], T]
"""A query of the read models, such as `counts.counts`."""


class BadEventError(HelionyxError):
    """The data of an event does not match its type and version."""


class Model(Struct, frozen=True):
    """One read model."""

    tables: tuple[str, ...]
    """The tables of its rows, each with its key as the first columns."""
    schema: str
    indexes: str
    """Created when new tables are full, which is faster."""
    enter: Callable[[apsw.Connection, Sequence[Entry]], None]
    """Enters events, given in their order."""
    events: Collection[tuple[str, int]] | None
    """The (type, version) of the events that it handles; None: all."""
    clear: str = ""
    """SQL that empties it, beside its tables."""


def converted(events: Sequence[Entry], convert: Callable[[Entry], T]) -> list[T]:
    """Convert each event. Raises BadEventError, which names the event that `convert` refuses."""
    rows: list[T] = []
    try:
        for event in events:
            rows.append(convert(event))
    except (KeyError, TypeError, ValueError) as error:
        raise BadEventError(
            f"expected the data of a {event.type} at position {event.position}, found {error!r}",
            "it was not written by a release of this service; services.event_log verify checks the log",
        ) from error
    return rows
