"""The backends that the contract is tested with: a new one needs a class here, and a row in HARNESSES."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Protocol

import apsw
import msgspec
import pytest

from services.event_log.backend import Backend
from services.event_log.sqlite import schema
from services.event_log.sqlite.backend import SqliteBackend
from tests.services.event_log.contract.memory import Disk, MemoryBackend


class Harness(Protocol):
    """One kind of backend, and a hand that changes stored records without its knowledge."""

    def backend(self, store: Path) -> Backend:
        """The log in `store`."""

    def spoil(self, store: Path, position: int) -> None:
        """Change a stored record."""

    def remove(self, store: Path, position: int) -> None:
        """Remove a stored record."""

    def hurry(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Give up at once waiting for others who have a log open."""


class Sqlite:
    """The backend of the service."""

    def backend(self, store: Path) -> Backend:
        return SqliteBackend(store)

    def spoil(self, store: Path, position: int) -> None:
        self._execute(
            store,
            "DROP TRIGGER events_update;"
            "UPDATE events SET body = replace(body, '2026', '2025') WHERE position = ?",
            position,
        )

    def remove(self, store: Path, position: int) -> None:
        self._execute(store, "DROP TRIGGER events_delete; DELETE FROM events WHERE position = ?", position)

    def hurry(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(schema, "LOOKING_SECONDS", 0.05)
        monkeypatch.setattr(schema, "BUSY_SECONDS", 0.05)

    def _execute(self, store: Path, sql: str, position: int) -> None:
        with contextlib.closing(apsw.Connection(str(store / "events.db"))) as connection:
            connection.execute(sql, (position,))


class Memory:
    """The backend of the tests."""

    def __init__(self) -> None:
        self._disk: Disk = {}

    def backend(self, store: Path) -> Backend:
        return MemoryBackend(store, self._disk)

    def spoil(self, store: Path, position: int) -> None:
        records = self._disk[store].records
        body = records[position - 1].body.replace("2026", "2025")
        records[position - 1] = msgspec.structs.replace(records[position - 1], body=body)

    def remove(self, store: Path, position: int) -> None:
        del self._disk[store].records[position - 1]

    def hurry(self, monkeypatch: pytest.MonkeyPatch) -> None:
        pass


HARNESSES: dict[str, type[Harness]] = {"sqlite": Sqlite, "memory": Memory}
