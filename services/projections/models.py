"""What a read model is: its tables, and what events make of them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import apsw

from services.errors import HelionyxError

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


@dataclass(frozen=True)
class Model:
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


def rows(
    table: str, columns: int, row: Callable[[int, Event], tuple[Value, ...]]
) -> Callable[[apsw.Connection, Sequence[Placed]], None]:
    """How a model is entered that has one row for each event: the one that `row` makes."""
    insert = f"INSERT INTO {table} VALUES ({', '.join('?' * columns)})"  # noqa: S608

    def made(placed: Placed) -> tuple[Value, ...]:
        with understood(*placed):
            return row(*placed)

    def enter(connection: apsw.Connection, events: Sequence[Placed]) -> None:
        connection.executemany(insert, [made(placed) for placed in events])

    return enter


@contextlib.contextmanager
def understood(position: int, event: Event) -> Iterator[None]:
    """Say which event it was whose data could not be understood. Raises UnfitEventError."""
    try:
        yield
    except (KeyError, TypeError, ValueError) as error:
        raise UnfitEventError(
            f"expected the data of a {event.type} at position {position}, found {error!r}",
            "it was not written by a release of this service; verify tells whether the log is whole",
        ) from error
