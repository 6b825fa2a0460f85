"""The end of an event log and its contents: values, and the part of a log that gives them. Light to import.

A deploy asks for them several times, each time in a new process.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import NamedTuple, Protocol

GENESIS = "0" * 64
"""The hash of the empty log: the `previous` of the first record."""


class Head(NamedTuple):
    """The end of the log: the number of its records, and the hash of the last one."""

    position: int
    hash: str


BEGINNING = Head(0, GENESIS)


class Contents(NamedTuple):
    """The contents of the log, and its end."""

    head: Head
    holds: dict[str, tuple[int, ...]]
    """The versions of each type of event, in ascending order."""
    said: Head
    """The last record that is no start or stop of a service: logs that agree in it have the same events."""


class Summary(Protocol):
    """An open log, for the facts that need no record to be read. Its methods raise EventLogError."""

    @abstractmethod
    def head(self) -> Head:
        """The end of the log; BEGINNING for an empty one."""

    @abstractmethod
    def hash_at(self, position: int) -> str | None:
        """The hash of the record at `position`, GENESIS at 0, None where there is no record."""

    @abstractmethod
    def contents(self) -> Contents:
        """The contents of the log. An event appended meanwhile may be in `holds` and not in `head`.

        Raises DamagedError where the types cannot be told, and for more than a service ever writes.
        """

    @abstractmethod
    def said_behind(self, position: int) -> int:
        """The number of records behind a position that are no start or stop of a service."""

    @abstractmethod
    def close(self) -> None:
        """Close the log. Closing it again does nothing; every other method raises EventLogError then."""
