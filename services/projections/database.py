"""The file of the read models: it follows the event log.

Its name carries a digest of the code that fills it, so that a new release builds its own file beside the old
one, and a rollback finds its own again. The reached position is saved in the transaction that reaches it, and
read in that transaction: two processes may follow one log with one file.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar, cast

import apsw

import services.projections.build as build
from services.errors import HelionyxError
from services.event_log.log import EventLog
from services.projections.files import file_of
from services.projections.models import Query
from services.projections.opening import open_file, open_unshared, remove
from services.sqlite.busy import BUSY_SECONDS, patiently
from services.sqlite.full_disk import is_full
from services.sqlite.transactions import transaction

T = TypeVar("T")

BATCH = 1000
"""The number of records that are entered in one transaction."""

_BEGINNING = 0
"""The position of read models that have no events."""

_HINT = (
    "look at the disk's space and the owner of the file; while the service is stopped it can be deleted, and"
    " is then built again from the event log"
)

MOST_IN_MEMORY = 50_000
"""The most events that are entered in memory where the disk is full: short messages take 13 MB of it."""

BUILD_FROM = 20_000
"""The number of missing events from which on a new file is faster."""


class ProjectionsError(HelionyxError):
    """The read models' file cannot be used."""


class DamagedProjectionsError(ProjectionsError):
    """The read models' file is damaged. It can be built anew."""


class FullDiskProjectionsError(ProjectionsError):
    """The disk takes nothing more. What was entered can still be read."""


class Projections:
    """One connection to the read models. Use it in one thread at a time."""

    def __init__(
        self,
        connection: apsw.Connection,
        path: Path,
        *,
        shared: bool,
        full: FullDiskProjectionsError | None = None,
        in_memory: bool = False,
    ) -> None:
        self.full = full
        """The reason why the file is open for reading alone, None where it is not."""
        self._connection = connection
        self._path = path
        self._shared = shared
        self._in_memory = in_memory

    @classmethod
    def open(cls, stem: Path, *, shared: bool = False, reading: bool = False) -> Projections:
        """Open this release's file for `stem`, and make it (0600) where there is none or an unusable one.

        A `shared` file may serve another process as well: it is neither replaced nor cleared, whatever is
        wrong with it. On a full disk the read models can be read as they are; `reading` is for a disk that
        is known to be full. Raises ProjectionsError.
        """
        path = file_of(stem)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                if reading:
                    return cls._unshared(path, shared=shared)
                connection = patiently(lambda: open_file(path), BUSY_SECONDS)
            except (apsw.CorruptError, apsw.NotADBError):
                if shared:
                    raise
                remove(path)
                connection = patiently(lambda: open_file(path), BUSY_SECONDS)
            except apsw.Error as error:
                if not is_full(error):
                    raise
                full = FullDiskProjectionsError(f"cannot open the projections {path}: {error}", _HINT)
                return cls._unshared(path, shared=shared, full=full)
            return cls(connection, path, shared=shared)
        except (OSError, apsw.Error) as error:
            raise ProjectionsError(f"cannot open the projections {path}: {error}", _HINT) from error

    @classmethod
    def _unshared(
        cls, path: Path, *, shared: bool, full: FullDiskProjectionsError | None = None
    ) -> Projections:
        connection, in_memory = open_unshared(path)
        return cls(connection, path, shared=shared, full=full, in_memory=in_memory)

    def catch_up(self, log: EventLog, stopping: Callable[[], bool] = lambda: False) -> int:
        """Enter the events of `log` that are missing here; return the position that was reached.

        Ends between two batches when `stopping` returns True. Raises ProjectionsError where the disk refuses
        to be written, and where a shared file follows another log.
        """
        with self._explained():
            if self._is_worth_building(log):
                return self._rebuild(log, stopping, lambda _: None)
            return self._catch_up(log, stopping)

    def rebuild(self, log: EventLog, progress: Callable[[int], object] = lambda _: None) -> int:
        """Build everything anew out of `log`, and return the position that was reached.

        The present rows are served until then, also by other processes, and replaced in one transaction.
        `progress` gets the position that was reached. Raises ProjectionsError.
        """
        if self.full is not None:
            raise self.full
        with self._explained():
            return self._rebuild(log, lambda: False, progress)

    def begin_anew(self) -> None:
        """Throw the file away, and make an empty one: for a damaged one that nobody else has open.

        Raises ProjectionsError.
        """
        self._connection.close()
        with self._explained():
            remove(self._path)
            self._connection = patiently(lambda: open_file(self._path), BUSY_SECONDS)

    def position(self) -> int:
        """The position that was reached."""
        with self._explained():
            return self._progress()[0]

    def digest(self) -> str:
        """A digest of the rows and the position: equal for equal builds, in whatever process and way."""
        return build.digest(self._connection)

    def ask(self, query: Query[T]) -> T:
        """Run one query of a read model, such as `counts.counts`. Raises ProjectionsError."""
        with self._explained():
            return query(self._connection)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def _catch_up(self, log: EventLog, stopping: Callable[[], bool]) -> int:
        while True:
            position, entered = self._step(log)
            if entered < BATCH or stopping():
                return position

    def _is_worth_building(self, log: EventLog) -> bool:
        """Whether nothing here can stay, and much is missing."""
        if self._in_memory:
            if log.head().position > MOST_IN_MEMORY:
                raise self.full or FullDiskProjectionsError(f"the disk of {self._path} is full", _HINT)
            return False
        position, digest = self._progress()
        usable = position > 0 and (self._shared or log.hash_at(position) == digest)
        return not usable and log.head().position >= BUILD_FROM

    def _rebuild(self, log: EventLog, stopping: Callable[[], bool], progress: Callable[[int], object]) -> int:
        try:
            with build.built(self._path, log, stopping, progress) as new:
                patiently(lambda: self._replace(new), BUSY_SECONDS)
        except build.Stopped:
            return self._progress()[0]
        # Events that were appended meanwhile, which another process may have entered into the old rows.
        return self._catch_up(log, stopping)

    def _replace(self, new: apsw.Connection) -> None:
        """Replace all rows with those of `new`: in one transaction, in a file that stays the same."""
        with self._connection.backup("main", new, "main") as copy:
            copy.step(-1)
        self._connection.pragma("wal_checkpoint", "TRUNCATE")

    def _progress(self) -> tuple[int, str]:
        row = self._connection.execute("SELECT position, hash FROM progress").fetchone()
        return cast(tuple[int, str], row)

    def _step(self, log: EventLog) -> tuple[int, int]:
        with transaction(self._connection):
            position, digest = self._progress()
            actual = log.hash_at(position)
            if actual != digest:
                # Another log than the one that the rows were built from: none of them can stay.
                if self._shared:
                    raise self._another_log(position, digest, actual)
                build.clear(self._connection)
                position = _BEGINNING
            events = list(log.replay(position, BATCH))
            build.enter(self._connection, events)
            if events:
                position = events[-1].position
            if events or actual != digest:
                build.advance(self._connection, position, str(log.hash_at(position)))
        return position, len(events)

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (apsw.CorruptError, apsw.NotADBError) as error:
            raise DamagedProjectionsError(
                f"the projections {self._path} are damaged: {error}",
                "start the service anew: it builds them again from the event log",
            ) from error
        except (apsw.BusyError, apsw.FullError, apsw.IOError, apsw.ReadOnlyError, OSError) as error:
            full = self.full or (isinstance(error, apsw.Error) and is_full(error))
            kind = FullDiskProjectionsError if full else ProjectionsError
            raise kind(f"cannot write the projections {self._path}: {error}", _HINT) from error

    def _another_log(self, position: int, digest: str, actual: str | None) -> ProjectionsError:
        message = (
            f"the read models in {self._path} follow another event log: at position {position} they know"
        )
        return ProjectionsError(
            f"{message} {digest}, the log in EVENT_STORE_PATH has {actual or 'no record'} there",
            "compare EVENT_STORE_PATH with the service's; another log needs another PROJECTIONS_DB_PATH, and"
            " a log that was put back wants the service started with it first",
        )
