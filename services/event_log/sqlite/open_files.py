"""The files of an open log: whether its directory still has them, as a restart would find them."""

from __future__ import annotations

from pathlib import Path

from services.event_log.errors import EventLogError, LostError


class OpenFiles:
    """The database, its -wal and its -shm, which no process removes while another one has the log open.

    Made before the database is opened and completed afterwards, so that these are the files that are open.
    """

    def __init__(self, database: Path) -> None:
        self._database = database
        self._known: dict[Path, tuple[int, int]] = {}
        self._sizes: dict[Path, int] = {}
        self._add(database)

    def complete(self) -> None:
        """Add what SQLite made when it opened the database. Raises LostError where that is another by now."""
        for suffix in ("-wal", "-shm"):
            self._add(self._database.with_name(self._database.name + suffix))
        loss = self.loss()
        if loss is not None:
            raise LostError(loss)

    def loss(self) -> str | None:
        """The reason why the next start would not find what is appended; None where it would."""
        for path, known in self._known.items():
            size = self._sizes[path]  # before the stat: meanwhile another thread may see the file grow
            try:
                status = path.stat()
            except FileNotFoundError:
                return f"{path} was deleted"
            except OSError as error:
                return f"{path} cannot be checked: {error.strerror}"
            if (status.st_dev, status.st_ino) != known:
                return f"{path} was replaced by another file"
            if status.st_size < size:
                return f"{path} was cut from {size} to {status.st_size} bytes"
            self._sizes[path] = status.st_size
        return None

    def _add(self, path: Path) -> None:
        try:
            status = path.stat()
        except OSError as error:
            raise EventLogError(f"cannot open {path}: {error.strerror}") from error
        self._known[path], self._sizes[path] = (status.st_dev, status.st_ino), status.st_size
