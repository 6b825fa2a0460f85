"""What a read model is: a table, and what each event makes a row of it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol

Value = str | int


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


@dataclass(frozen=True)
class Model:
    """One read model. Its table has the event's position as `position`, its primary key."""

    table: str
    schema: str
    indexes: str
    """Made when a new table is full, which is faster than along with it."""
    columns: int
    row: Callable[[int, Event], tuple[Value, ...]]
    """The row of the event at a position."""
    takes: Collection[tuple[str, int]] | None
    """The (type, version) of the events that it has a row for; None: every one."""

    @property
    def insert(self) -> str:
        """The statement that enters a row."""
        return f"INSERT INTO {self.table} VALUES ({', '.join('?' * self.columns)})"  # noqa: S608
