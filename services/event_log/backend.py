"""The backend of an event log: how the log is stored, opened, copied and rewritten. Light to import."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from services.event_log.summary import Head, Summary

if TYPE_CHECKING:
    from services.event_log.log import EventLog
    from services.event_log.records import Changed, Entry

Progress = Callable[[int], object]
"""Called with the position that was reached."""


class Copy(NamedTuple):
    """A verified copy of a log."""

    file: Path
    head: Head


class Backend(Protocol):
    """One event log and the place where it is stored. Its methods raise EventLogError.

    Nothing is opened before `open`.
    """

    store: Path
    """The value of EVENT_STORE_PATH. The last head and the time of the last backup lie beside it."""

    @abstractmethod
    def open(self, *, read_only: bool = False, begin: bool = True) -> EventLog:
        """Open the log, and make it where there is none.

        `read_only` makes and changes nothing, and reads a log that does not exist yet as an empty one.
        Without `begin` no log is made: LostError where there is none.
        """

    @abstractmethod
    def summary(self) -> Summary:
        """Open the log as with `read_only`, for its end and contents alone, which is faster."""

    @abstractmethod
    def refuse_missing(self) -> None:
        """Raise EventLogError where there is no log, which a reader could not tell from an empty one."""

    @abstractmethod
    def size(self) -> int:
        """The size of the stored log in bytes."""

    @abstractmethod
    def free(self) -> int:
        """The room that is left for the log, in bytes. Raises OSError."""

    @abstractmethod
    def reserve(self, size: int) -> None:
        """Reserve `size` bytes for appending where the storage has such a thing. Raises OSError."""

    @abstractmethod
    def back_up(self, target: Path, progress: Progress = lambda _: None) -> Copy:
        """Copy the log into the directory `target`, while others may append, and verify the copy.

        The copy appears when it is whole, verified and durable, and replaces nothing.
        """

    @abstractmethod
    def alone(self) -> AbstractContextManager[EventLog]:
        """The open log, which no other process can open meanwhile. EventLogError if one has it open."""

    @abstractmethod
    def rewrite(
        self, log: EventLog, changed: Changed, last: Callable[[Head], Entry], ready: Callable[[], None]
    ) -> Head:
        """Give the events in `changed` their new contents and append `last`; return the new end.

        `log` comes from `alone`, and cannot be used afterwards. `last` gets the new head of these events.
        `ready` is called when the new log is verified and durable, before it takes the place of the old one.
        Raises EventLogError, DamagedError for a damaged log, and then nothing has changed.
        """

    def tidy(self) -> None:
        """Remove the remains of a `rewrite` whose process was killed after it was done."""
        return
