"""A steady load on an environment: a request at each due time, whatever became of those before."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import threading
import time
import uuid
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

LONGEST = 60.0
"""The seconds for one answer."""

KEPT = 16
"""The most keep-alive connections."""

RETRIES = 3

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Sample:
    """One request: when it was due, when its answer was complete, and each reason to send it again."""

    due: float
    text: str
    """The message to record; empty for a request that reads."""
    answered: float = 0.0
    retried: list[str] = field(default_factory=list)
    failure: str = ""

    @property
    def seconds(self) -> float:
        """The time from the moment when it was due to its answer."""
        return self.answered - self.due


@dataclass
class Load:
    """A load of `rate` requests a second: half on new connections, half keep-alive; half read, half append.

    A request that was refused, reset or closed before an answer is sent again, as HTTP clients do with those
    that are idempotent: an append has its key.
    """

    host: str
    port: int
    token: str
    rate: float
    most_seconds: float
    samples: list[Sample] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _idle: deque[Connection] = field(default_factory=deque)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Send requests from another thread until the end of the block."""
        thread = threading.Thread(target=self._run)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()

    def _run(self) -> None:
        with real_time():
            asyncio.run(self._send_all())

    async def _send_all(self) -> None:
        start, run = time.time(), uuid.uuid4().hex[:8]
        tasks = []
        for number in range(int(self.rate * self.most_seconds)):
            due = start + number / self.rate
            await asyncio.sleep(due - time.time())
            if self._stop.is_set():
                break
            sample = Sample(due, f"message {number} of {run}" if number // 2 % 2 else "")
            self.samples.append(sample)
            tasks.append(asyncio.create_task(self._answer(sample, keep=bool(number % 2))))
        await asyncio.gather(*tasks)
        for _, writer in self._idle:
            writer.close()

    async def _answer(self, sample: Sample, *, keep: bool) -> None:
        request = request_of(self.token, sample.text, keep=keep)
        try:
            async with asyncio.timeout(LONGEST):
                await self._send(request, sample, keep=keep)
        except OSError as error:  # a time-out is one too
            sample.failure = f"{type(error).__name__}: {error}"
        sample.answered = time.time()

    async def _send(self, request: bytes, sample: Sample, *, keep: bool) -> None:
        while True:
            try:
                connection = self._idle.popleft() if keep and self._idle else await self._connected()
                head = await exchange(*connection, request)
            except (ConnectionResetError, ConnectionRefusedError, BrokenPipeError) as error:
                sample.retried.append(type(error).__name__)
                if len(sample.retried) > RETRIES:
                    raise
                continue
            is_open = keep and b"connection: close" not in head.lower() and len(self._idle) < KEPT
            if is_open:
                self._idle.append(connection)
            else:
                connection[1].close()
            return

    async def _connected(self) -> Connection:
        return await asyncio.open_connection(self.host, self.port)


def request_of(token: str, text: str, *, keep: bool) -> bytes:
    """A request to record `text` with a key of its own, or to read the last messages if it is empty."""
    connection = "keep-alive" if keep else "close"
    head = f"Host: bench\r\nAuthorization: Bearer {token}\r\nConnection: {connection}\r\n"
    if not text:
        return f"GET /api/v1/messages?limit=10 HTTP/1.1\r\n{head}\r\n".encode()
    body = json.dumps({"text": text})
    kind = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    key = f"Idempotency-Key: {uuid.uuid4()}\r\n"
    return f"POST /api/v1/messages HTTP/1.1\r\n{head}{kind}{key}\r\n{body}".encode()


async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> bytes:
    """Send a request, read its whole answer and return its head.

    Raises ConnectionResetError for a connection that is closed before it, and ConnectionError for one that
    breaks in it and for any answer but success.
    """
    writer.write(request)
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise ConnectionError("closed in the middle of an answer") from error
        raise ConnectionResetError("closed without an answer") from error
    length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
    try:
        await reader.readexactly(int(length))
    except asyncio.IncompleteReadError as error:
        raise ConnectionError("closed in the middle of an answer") from error
    if not head.startswith(b"HTTP/1.1 20"):
        raise ConnectionError(head.partition(b"\r\n")[0].decode(errors="replace"))
    return head


@contextmanager
def real_time() -> Iterator[None]:
    """Run the block with the priority of a real-time thread, where this process may."""
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
