"""Callers of the service, in a process of their own: `python -m benchmarks.callers` prints one JSON object.

Each keeps its connection, and asks again when it is answered, or `--rate` times a second all together.
They do as little as a caller can, so that what is measured is the service.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
import uuid
from dataclasses import dataclass, field

from benchmarks.appends import TEXTS
from tests.services.instance import TOKEN

_POST = (
    "POST /api/v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
    "Content-Type: application/json\r\nIdempotency-Key: {key}\r\nContent-Length: {length}\r\n\r\n{body}"
)
_GET = "GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
_LENGTH = b"content-length: "


@dataclass
class Calls:
    """The answers, and the seconds that they took."""

    seconds: list[float] = field(default_factory=list)
    """The seconds of each answer."""
    failures: int = 0


class Caller(asyncio.Protocol):
    """One connection, with one request on it at a time."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._buffer = b""
        self._answer: asyncio.Future[None] | None = None
        self._started = 0.0
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where to write to."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    async def ask(self, request: bytes) -> None:
        """Send one, and wait for all of its answer."""
        self._answer = asyncio.get_running_loop().create_future()
        self._started = time.perf_counter()
        self.transport.write(request)
        await self._answer

    def data_received(self, data: bytes) -> None:
        """A part of an answer."""
        self._buffer += data
        head, end, body = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return
        length = int(head.lower().partition(_LENGTH)[2].partition(b"\r\n")[0])
        if len(body) < length:
            return
        self._calls.seconds.append(time.perf_counter() - self._started)
        self._calls.failures += not head.startswith(b"HTTP/1.1 20")
        self._buffer = body[length:]
        self._done()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - however it went
        """No answer will come."""
        self.lost = True
        self._done(failed=True)

    def _done(self, *, failed: bool = False) -> None:
        if self._answer is not None and not self._answer.done():
            self._calls.failures += failed
            self._answer.set_result(None)


def request_of(path: str) -> bytes:
    """A new message with a new key, or to read `path`."""
    if path:
        return _GET.format(path=path, token=TOKEN).encode()
    body = json.dumps({"text": next(TEXTS)})
    return _POST.format(token=TOKEN, key=uuid.uuid4(), length=len(body), body=body).encode()


async def call(port: int, connections: int, seconds: float, rate: float, path: str) -> Calls:
    """Call for so many `seconds`."""
    calls = Calls()
    loop = asyncio.get_running_loop()
    callers = [
        (await loop.create_connection(lambda: Caller(calls), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    started = loop.time()

    async def one(caller: Caller, number: int) -> None:
        due = started + (number / rate if rate else 0)
        while due < started + seconds and loop.time() < started + seconds and not caller.lost:
            await asyncio.sleep(max(0.0, due - loop.time()) if rate else 0)
            await caller.ask(request_of(path))
            due += connections / rate if rate else 0

    await asyncio.gather(*(one(caller, number) for number, caller in enumerate(callers)))
    for caller in callers:
        caller.transport.close()
    return calls


def main() -> None:
    """Print how many were answered in how many seconds, how many failed, and how long they took."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.callers", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--connections", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--rate", type=float, default=0.0, help="requests a second; 0: as many as can be")
    parser.add_argument("--path", default="", help="what is read; without it messages are recorded")
    options = parser.parse_args()
    started = time.perf_counter()
    calls = asyncio.run(call(options.port, options.connections, options.seconds, options.rate, options.path))
    elapsed = time.perf_counter() - started
    ordered = statistics.quantiles(calls.seconds, n=100) if len(calls.seconds) > 1 else [0.0] * 99
    print(
        json.dumps(
            {
                "answered": len(calls.seconds),
                "failed": calls.failures,
                "per_second": len(calls.seconds) / elapsed,
                "p50": ordered[49],
                "p99": ordered[98],
            }
        )
    )


if __name__ == "__main__":
    main()
