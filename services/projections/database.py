"""The file of the read models, and how it follows the event log.

The file's name carries a digest of its schema, so that a new release builds its own beside the old one's, and
a rollback finds its own again. How far it has come is saved in the transaction that brought it there, and is
looked up inside that transaction: two processes may follow one log with one file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Protocol, cast

import apsw

import services.projections.messages as messages
from services.busy import BUSY_SECONDS, Patience, patiently
from services.errors import HelionyxError
from services.transactions import transaction
from services.upcasters import UPCASTERS, UnknownEventError, upcast

BATCH = 1000
"""How many records are entered in one transaction."""

_BEGINNING = (0, "0" * 64)
"""How far it has come when it has entered nothing: (position, hash)."""

_HINT = (
    "look at the disk's space and the owner of the file; while the service is stopped it can be deleted, and"
    " is then built again from the event log"
)

_PROGRESS = """
CREATE TABLE progress (position INTEGER NOT NULL, hash TEXT NOT NULL) STRICT;
INSERT INTO progress VALUES (0, '0000000000000000000000000000000000000000000000000000000000000000');
"""

_SCHEMA = _PROGRESS + messages.SCHEMA

_HANDLERS = dict.fromkeys(messages.EVENTS, messages.apply)


class ProjectionsError(HelionyxError):
    """The read models' file cannot be used."""


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


class Record(Protocol):
    """What is read, as the event log's record has it."""

    @property
    def position(self) -> int: ...
    @property
    def hash(self) -> str: ...
    def envelope(self) -> Event: ...


class Log(Protocol):
    """What is followed."""

    def read(self, after: int = 0, limit: int | None = None) -> Iterator[Record]:
        """The records behind `after`."""

    def hash_at(self, position: int) -> str | None:
        """The hash of a record, None where there is none."""


def file_of(stem: Path) -> Path:
    """The file that this release keeps its read models in: `a/b.db` makes `a/b-<digest>.db`."""
    digest = sha256(f"{_SCHEMA}{sorted(_HANDLERS)}{sorted(UPCASTERS)}".encode()).hexdigest()[:12]
    return stem.with_name(f"{stem.stem}-{digest}{stem.suffix}")


class Projections:
    """One connection to the read models. Use it in one thread at a time."""

    def __init__(self, connection: apsw.Connection, path: Path, *, shared: bool) -> None:
        self._connection = connection
        self._path = path
        self._shared = shared

    @classmethod
    def open(cls, stem: Path, *, shared: bool = False) -> Projections:
        """Open this release's file for `stem`, and make it (0600) where there is none or an unusable one.

        A `shared` one is another's as well, who may be serving from it: what is in it is neither replaced nor
        cleared, whatever is wrong with it. Raises ProjectionsError.
        """
        path = file_of(stem)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                connection = patiently(lambda: _open(path), BUSY_SECONDS)
            except (apsw.CorruptError, apsw.NotADBError):
                if shared:
                    raise
                _remove(path)
                connection = patiently(lambda: _open(path), BUSY_SECONDS)
            return cls(connection, path, shared=shared)
        except (OSError, apsw.Error) as error:
            raise ProjectionsError(f"cannot open the projections {path}: {error}", _HINT) from error

    def catch_up(self, log: Log, stopping: Callable[[], bool] = lambda: False) -> int:
        """Enter all that `log` holds and this does not; return the position that was reached.

        Gives up between two batches when `stopping` says so. Raises ProjectionsError where the disk refuses
        it, and where what is shared follows another log.
        """
        while True:
            try:
                position, entered = self._step(log)
            except (apsw.FullError, apsw.IOError) as error:
                raise ProjectionsError(
                    f"cannot write the projections {self._path}: {error}", _HINT
                ) from error
            if entered < BATCH or stopping():
                return position

    def messages(self, after: int, limit: int) -> tuple[messages.Message, ...]:
        """The first `limit` messages behind the position `after`."""
        return messages.after(self._connection, after, limit)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def _step(self, log: Log) -> tuple[int, int]:
        with transaction(self._connection):
            row = self._connection.execute("SELECT position, hash FROM progress").fetchone()
            position, digest = cast(tuple[int, str], row)
            found = log.hash_at(position)
            if found != digest:
                # Another log than the one that this was built from: nothing of it can be kept.
                if self._shared:
                    raise self._another_log(position, digest, found)
                messages.clear(self._connection)
                position, digest = _BEGINNING
            count = 0
            for record in log.read(position, BATCH):
                self._enter(record)
                position, digest, count = record.position, record.hash, count + 1
            if (position, digest) != row:
                self._connection.execute("UPDATE progress SET position = ?, hash = ?", (position, digest))
        return position, count

    def _another_log(self, position: int, digest: str, found: str | None) -> ProjectionsError:
        return ProjectionsError(
            f"the read models in {self._path} follow another event log: at position {position} they know"
            f" {digest}, the log in EVENT_STORE_PATH has {found or 'no record'} there",
            "compare EVENT_STORE_PATH with the service's; another log wants another PROJECTIONS_DB_PATH, and"
            " a log that was put back wants the service started with it first",
        )

    def _enter(self, record: Record) -> None:
        event = record.envelope()
        version, data = upcast(event.type, event.version, event.data, UPCASTERS)
        handler = _HANDLERS.get((event.type, version))
        if handler is None and event.type in {type_ for type_, _ in _HANDLERS}:
            raise UnknownEventError(record.position, event.type, event.version)
        if handler is not None:
            handler(self._connection, record.position, event.id, event.time, data)


def _open(path: Path) -> apsw.Connection:
    path.touch(mode=0o600)  # which does not open a file that is there
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    connection.set_busy_handler(Patience(BUSY_SECONDS))
    # NORMAL: a power cut may lose the last transactions, which the log brings back, and spoils nothing.
    connection.pragma("journal_mode", "WAL")
    connection.pragma("synchronous", "NORMAL")
    with transaction(connection):
        if not connection.execute("SELECT count(*) FROM sqlite_schema").get:
            connection.execute(_SCHEMA)
    return connection


def _remove(path: Path) -> None:
    # The -wal too: what it holds belongs to the file that goes.
    for suffix in ("-wal", "-shm", ""):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
