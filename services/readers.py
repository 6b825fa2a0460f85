"""Threads that only read: no reader waits for another one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from services.open_storage import OpenStorage
from services.threads import in_thread

T = TypeVar("T")

MOST = 3
"""The most long reads at once. Each holds the interpreter for some milliseconds at a time, in which
nobody is answered: more of them would be no faster on a small machine."""

RENEWING_SECONDS = 0.5
"""The longest wait for running reads before the files are opened anew. Storage tries again each second."""


class Readers:
    """Connections for reading, one for each thread that reads at the moment.

    A quick read, such as that of a health check, has a thread of its own: it never waits for a long one.
    Threads and connections are made when there is more to be read at once than ever before.
    """

    def __init__(self, connect: Callable[[], OpenStorage]) -> None:
        self._connect = connect
        self._threads = ThreadPoolExecutor(MOST, "reader")
        self._quick = ThreadPoolExecutor(1, "quick-reader")
        self._changed = threading.Condition()
        self._reading = 0
        self._renewing = False
        self._idle: list[OpenStorage] = []
        """The connection that was used last is the last: its pages are still in memory."""

    async def read(self, job: Callable[[OpenStorage], T], *, quick: bool = False) -> T:
        """Return the result of `job`. Raises its exceptions, and HelionyxError if nothing can be opened."""
        return await in_thread(self._quick if quick else self._threads, lambda: self._do(job))

    async def close(self) -> None:
        """Finish what was begun, and let go of the files."""
        for threads in (self._threads, self._quick):
            await asyncio.to_thread(threads.shutdown)
        for storage in self._idle:
            storage.close()
        self._idle.clear()

    def renew(self, meanwhile: Callable[[], None]) -> None:
        """Let go of all files, call `meanwhile` in this thread, and open them again for the next reader.

        Nothing is done where a reader takes longer than `RENEWING_SECONDS`: the next ones wait meanwhile.
        """
        with self._changed:
            self._renewing = True
            if not self._changed.wait_for(lambda: not self._reading, RENEWING_SECONDS):
                self._renewing = False
                self._changed.notify_all()
                return
        try:
            for storage in self._idle:
                storage.close()
            self._idle.clear()
            meanwhile()
        finally:
            with self._changed:
                self._renewing = False
                self._changed.notify_all()

    def _do(self, job: Callable[[OpenStorage], T]) -> T:
        with self._changed:
            self._changed.wait_for(lambda: not self._renewing)
            self._reading += 1
        try:
            return self._done(job)
        finally:
            with self._changed:
                self._reading -= 1
                self._changed.notify_all()

    def _done(self, job: Callable[[OpenStorage], T]) -> T:
        try:
            storage = self._idle.pop()
        except IndexError:  # several threads may ask at once
            storage = self._connect()
        try:
            return job(storage)
        finally:
            self._idle.append(storage)
