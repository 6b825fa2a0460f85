"""The file of the read models, and how it follows the event log.

The file's name carries a digest of its schema, so that a new release builds its own beside the old one's, and
a rollback finds its own again. How far it has come is saved in the transaction that brought it there, and is
looked up inside that transaction: two processes may follow one log with one file.
"""

from __future__ import annotations

import contextlib
import functools
import glob
import re
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import TypeVar, cast

import apsw

import services.domain.events as events_module
import services.domain.origin as origin
import services.domain.tags as tags_module
import services.domain.things as things_module
import services.kept as kept
import services.projections.build as build
import services.projections.counts as counts
import services.projections.entries as entries
import services.projections.messages as messages
import services.projections.models as models
import services.projections.opening as opening
import services.projections.search as search
import services.projections.sendings as sendings
import services.projections.things as things
import services.projections.timeline as timeline
import services.projections.words as words
import services.upcasters as upcasters
from services.errors import HelionyxError
from services.projections.build import Log
from services.projections.opening import open_file, open_unshared, remove
from services.projections.queries import Queries
from services.sqlite.busy import BUSY_SECONDS, patiently
from services.sqlite.full_disk import is_full
from services.sqlite.transactions import transaction
from services.upcasters import UPCASTERS

T = TypeVar("T")

BATCH = 1000
"""How many records are entered in one transaction."""

_BEGINNING = 0
"""How far it has come when it has entered nothing."""

_HINT = (
    "look at the disk's space and the owner of the file; while the service is stopped it can be deleted, and"
    " is then built again from the event log"
)

MOST_IN_MEMORY = 50_000
"""How many events are entered in memory where the disk is full: short messages take 13 MB of it."""

BUILD_FROM = 20_000
"""How many events have to be missing for a new file to be worth its while."""


class ProjectionsError(HelionyxError):
    """The read models' file cannot be used."""


def file_of(stem: Path) -> Path:
    """The file that this release keeps its read models in: `a/b.db` makes `a/b-<digest>.db`."""
    digest = sha256(f"{opening.SCHEMA}{sorted(UPCASTERS)}".encode() + _code()).hexdigest()[:12]
    return stem.with_name(f"{stem.stem}-{digest}{stem.suffix}")


def remove_all(stem: Path) -> None:
    """Remove the read models of every schema for `stem`: they are built anew from the event log.

    For a stopped service: whoever has one open goes on with what was removed. Raises OSError.
    """
    name = re.compile(rf"{re.escape(stem.stem)}-[0-9a-f]{{12}}{re.escape(stem.suffix)}(-wal|-shm)?")
    for path in stem.parent.glob(f"{glob.escape(stem.stem)}-*"):
        if name.fullmatch(path.name):
            path.unlink()


@functools.cache
def _code() -> bytes:
    """The code that makes rows of events: where it differs, the rows may."""
    modules = (build, models, counts, entries, messages, search, sendings, things, timeline, words)
    outside = (events_module, origin, tags_module, things_module, kept, upcasters)
    paths = [Path(str(module.__file__)) for module in (*modules, *outside)]
    return b"".join(path.read_bytes() for path in paths)


class DamagedProjectionsError(ProjectionsError):
    """The read models' file is no longer what was written. It can be built anew."""


class FullDiskProjectionsError(ProjectionsError):
    """The disk takes nothing more. What was entered can still be read."""


class Projections(Queries):
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

        A `shared` one is another's as well, who may be serving from it: what is in it is neither replaced nor
        cleared, whatever is wrong with it. On a full disk they can be read as they are; `reading` is for a
        disk that is known to be full. Raises ProjectionsError.
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

    def catch_up(self, log: Log, stopping: Callable[[], bool] = lambda: False) -> int:
        """Enter all that `log` holds and this does not; return the position that was reached.

        Gives up between two batches when `stopping` says so. Raises ProjectionsError where the disk refuses
        it, and where what is shared follows another log.
        """
        with self._told():
            if self._is_worth_building(log):
                return self._rebuild(log, stopping, lambda _: None)
            return self._catch_up(log, stopping)

    def rebuild(self, log: Log, told: Callable[[int], None] = lambda _: None) -> int:
        """Build everything anew out of `log`, and return the position that was reached.

        What is there is served until then, also by other processes, and replaced in one transaction. `told`
        hears how far it has come. Raises ProjectionsError.
        """
        if self.full is not None:
            raise self.full
        with self._told():
            return self._rebuild(log, lambda: False, told)

    def begin_anew(self) -> None:
        """Throw the file away, and make an empty one: for a damaged one that nobody else has open.

        Raises ProjectionsError.
        """
        self._connection.close()
        with self._told():
            remove(self._path)
            self._connection = patiently(lambda: open_file(self._path), BUSY_SECONDS)

    def position(self) -> int:
        """The position that was reached."""
        with self._told():
            return self._progress()[0]

    def digest(self) -> str:
        """The same for the same rows at the same position of the same log, whoever built them and how."""
        return build.digest(self._connection)

    def ask(self, query: Callable[[apsw.Connection], T]) -> T:
        """What `query` finds. Raises ProjectionsError."""
        with self._told():
            return query(self._connection)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def _catch_up(self, log: Log, stopping: Callable[[], bool]) -> int:
        while True:
            position, entered = self._step(log)
            if entered < BATCH or stopping():
                return position

    def _is_worth_building(self, log: Log) -> bool:
        """Whether nothing is here that could be kept, and much is missing."""
        if self._in_memory:
            if log.head().position > MOST_IN_MEMORY:
                raise self.full or FullDiskProjectionsError(f"the disk of {self._path} is full", _HINT)
            return False
        position, digest = self._progress()
        usable = position > 0 and (self._shared or log.hash_at(position) == digest)
        return not usable and log.head().position >= BUILD_FROM

    def _rebuild(self, log: Log, stopping: Callable[[], bool], told: Callable[[int], None]) -> int:
        try:
            with build.built(self._path, log, stopping, told) as new:
                patiently(lambda: self._replace(new), BUSY_SECONDS)
        except build.Stopped:
            return self._progress()[0]
        # What was appended meanwhile, which another process may have entered into what was here before.
        return self._catch_up(log, stopping)

    def _replace(self, new: apsw.Connection) -> None:
        """Put all of `new` in the place of what is here: one transaction, in a file that stays the same."""
        with self._connection.backup("main", new, "main") as copy:
            copy.step(-1)
        self._connection.pragma("wal_checkpoint", "TRUNCATE")

    def _progress(self) -> tuple[int, str]:
        row = self._connection.execute("SELECT position, hash FROM progress").fetchone()
        return cast(tuple[int, str], row)

    def _step(self, log: Log) -> tuple[int, int]:
        with transaction(self._connection):
            position, digest = self._progress()
            found = log.hash_at(position)
            if found != digest:
                # Another log than the one that this was built from: nothing of it can be kept.
                if self._shared:
                    raise self._another_log(position, digest, found)
                build.clear(self._connection)
                position = _BEGINNING
            events = list(log.replay(position, BATCH))
            build.enter(self._connection, events)
            if events:
                position = events[-1][0]
            if events or found != digest:
                build.advance(self._connection, position, str(log.hash_at(position)))
        return position, len(events)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
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

    def _another_log(self, position: int, digest: str, found: str | None) -> ProjectionsError:
        message = (
            f"the read models in {self._path} follow another event log: at position {position} they know"
        )
        return ProjectionsError(
            f"{message} {digest}, the log in EVENT_STORE_PATH has {found or 'no record'} there",
            "compare EVENT_STORE_PATH with the service's; another log wants another PROJECTIONS_DB_PATH, and"
            " a log that was put back wants the service started with it first",
        )
