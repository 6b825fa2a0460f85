"""Durable appends per second, beside what the disk does at most: a record written and waited for."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import apsw

from services.event_log.group import GroupCommit
from services.event_log.records import Append, Entry, new_entry
from services.event_log.sqlite.log import SqliteLog
from services.formats import MESSAGE_RECORDED

LENGTH = 190
"""Characters of a message, which make a record of about 370 bytes."""


def _texts(count: int) -> tuple[str, ...]:
    """Messages of words that come as often as in a language: the n-th a n-th as often as the first."""
    chance = random.Random(7)  # noqa: S311 - the same messages each time
    letters = "eeeettaaooiinnsshhrrdlcumwfgypbvk"
    words = ["".join(chance.choices(letters, k=chance.randint(2, 9))) for _ in range(8000)]
    often = [1 / place for place in range(1, len(words) + 1)]
    return tuple(" ".join(chance.choices(words, often, k=80))[:LENGTH] for _ in range(count))


TEXTS = itertools.cycle(_texts(5000))

_number = itertools.count()


def draft(*, keyed: bool = True) -> Entry:
    """A message as the service appends it. Its key is one like those that callers make up: in no order."""
    data = {"text": next(TEXTS), "source": "api"}
    key = f"api:{next(_number) * 0x9E3779B97F4A7C15 % (1 << 64):016x}" if keyed else None
    return new_entry(*MESSAGE_RECORDED, datetime.now(UTC), data, key)


SIZE = len(draft().body())


def limit(path: Path, count: int) -> float:
    """The durable writes of a record's bytes to the end of a file, per second."""
    record = b"x" * SIZE
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    try:
        started = time.perf_counter()
        for _ in range(count):
            os.write(descriptor, record)
            os.fdatasync(descriptor)
        return count / (time.perf_counter() - started)
    finally:
        os.close(descriptor)


class Table:
    """A table of SQLite's with one column and no index: what a log that lies in it can come close to."""

    def __init__(self, path: Path) -> None:
        self._connection = apsw.Connection(str(path))
        self._connection.pragma("journal_mode", "WAL")
        self._connection.pragma("synchronous", "FULL")
        self._connection.execute("CREATE TABLE records (body TEXT NOT NULL)")

    def rate(self, count: int) -> float:
        """Rows a second, each durable before the next, by one thread."""
        started = time.perf_counter()
        for _ in range(count):
            self._connection.execute("INSERT INTO records VALUES (?)", (draft().body(),))
        return count / (time.perf_counter() - started)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()


class Appender:
    """The log with its thread, as the service has it."""

    def __init__(self, directory: Path) -> None:
        self._executor = ThreadPoolExecutor(1, "writer")
        self._log = self._executor.submit(SqliteLog.open, directory).result()

    def alone(self, count: int) -> float:
        """Appends a second by a program that uses nothing but the log, in one thread."""

        def append() -> float:
            started = time.perf_counter()
            for _ in range(count):
                self._log.append([draft()])
            return count / (time.perf_counter() - started)

        return self._executor.submit(append).result()

    def rate(self, clients: int, count: int, *, keyed: bool = True) -> float:
        """Appends a second by clients of whom each waits for one append before it asks for the next."""
        return asyncio.run(self._rate(clients, count, keyed=keyed))

    def close(self) -> None:
        """Let go of the log."""
        self._executor.submit(self._log.close).result()
        self._executor.shutdown()

    async def _rate(self, clients: int, count: int, *, keyed: bool) -> float:
        group = GroupCommit(self._log.append_each, self._executor)

        async def client() -> None:
            for _ in range(count // clients):
                await group.append(Append([draft(keyed=keyed)]))

        started = time.perf_counter()
        await asyncio.gather(*(client() for _ in range(clients)))
        return count / (time.perf_counter() - started)


@contextlib.contextmanager
def appender(directory: Path) -> Iterator[Appender]:
    """A log in `directory` to append to."""
    with contextlib.closing(Appender(directory)) as made:
        yield made
