"""The time that `/health/ready` takes while many follow the log: `python -m benchmarks.followers`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.process import Running, running
from benchmarks.report import Row, below, table
from services.config import ROOT
from tests.services.instance import TOKEN

FOLLOWERS = 200

APPENDS = 20
"""Messages a second while it is asked."""

ASKED = ("--path", "/health/ready", "--rate", "100", "--seconds", "5", "--connections", "1")

FOLLOW = f"GET /api/v1/events/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"


def main() -> None:
    """Follow the log that `--port` serves, or print a table of what is measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.followers", description=__doc__)
    parser.add_argument("--port", type=int)
    options = parser.parse_args()
    if options.port:
        asyncio.run(_follow(options.port))
        return
    with tempfile.TemporaryDirectory() as directory:
        print(table(list(rows(Path(directory)))))


def rows(directory: Path) -> Iterator[Row]:
    """The median and p99 of `/health/ready`, with and without followers, writers and readers beside it."""
    for followers, appends, readers in (
        (0, APPENDS, 0),
        (FOLLOWERS, 0, 0),
        (FOLLOWERS, APPENDS, 0),
        (0, 0, 4),
    ):
        here = directory / f"{followers}-{appends}-{readers}"
        here.mkdir()
        with running(here) as service:
            if readers:  # something to read
                service.called("--seconds", "2", "--connections", "16")
            with _followed(service, followers), _called(service, appends), _read(service, readers):
                result = service.called(*ASKED)
            label = (
                f"/health/ready beside {followers} followers, {appends} appends/s, {readers} readers of pages"
            )
            yield Row(f"{label}: p50", result["p50"] * 1000, "ms")
            yield below(f"{label}: p99", result["p99"] * 1000, "ms", 20, f"{service.memory():.1f} MB")


@contextlib.contextmanager
def _followed(service: Running, count: int) -> Iterator[None]:
    """So many followers in a process of their own, all of whom are there."""
    command = [sys.executable, "-m", "benchmarks.followers", "--port", str(service.port)]
    if not count:
        yield
        return
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        process.stdout.readline()
        yield
    finally:
        process.terminate()
        process.wait(timeout=10)
        process.stdout.close()


@contextlib.contextmanager
def _called(service: Running, rate: int, *options: str) -> Iterator[None]:
    """A caller beside, who records or does what `options` say."""
    command = [sys.executable, "-m", "benchmarks.callers", "--port", str(service.port), "--seconds", "30"]
    if not rate:
        yield
        return
    process = subprocess.Popen([*command, "--rate", str(rate), *options], cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=10)


def _read(service: Running, connections: int) -> contextlib.AbstractContextManager[None]:
    page = ("--path", "/api/v1/timeline?limit=1000", "--connections", str(connections))
    return _called(service, 40 if connections else 0, *page)


async def _follow(port: int) -> None:
    """Follow FOLLOWERS times, say so, and read until this process is ended."""
    streams = []
    for _ in range(FOLLOWERS):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(FOLLOW.encode())
        streams.append((reader, writer))
    for reader, _ in streams:
        await reader.readuntil(b"\r\n\r\n")
    print("following", flush=True)
    await asyncio.gather(*(_drain(reader) for reader, _ in streams))


async def _drain(reader: asyncio.StreamReader) -> None:
    while await reader.read(65536):
        pass


if __name__ == "__main__":
    main()
