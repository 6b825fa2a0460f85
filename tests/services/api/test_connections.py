"""More connections than there may be: nobody is kept out by those who only wait."""

from __future__ import annotations

import asyncio
import resource
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from services.api import connections
from services.api.connections import Connections, Rank, most_connections
from tests.services.instance import TOKEN, Instance, configure, listener, running, starting

FILES = 128
GET = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
FOLLOW = f"GET /api/v1/events/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Instance]:
    """One that may open few files."""
    with running(tmp_path) as instance:
        resource.prlimit(instance.process.pid, resource.RLIMIT_NOFILE, (FILES, FILES))
        yield instance


def read_until(connection: socket.socket, end: bytes) -> bytes:
    """What comes, up to `end` at least."""
    found = b""
    while end not in found:
        part = connection.recv(65536)
        assert part, "it was cut"
        found += part
    return found


@pytest.mark.parametrize(
    "said", [b"", b"\r\n", b"GET / HTTP/1.1\r\nX: ", GET], ids=["nothing", "blank", "a part", "a request"]
)
def test_a_crowd_that_only_waits(service: Instance, said: bytes) -> None:
    """Keeps out neither who comes nor who follows the log; it is told in one line."""
    follower = service.connect()
    follower.settimeout(10)
    follower.sendall(FOLLOW)
    assert read_until(follower, b"retry: 500\n\r\n").startswith(b"HTTP/1.1 200 ")
    crowd = [service.connect() for _ in range(2 * FILES)]
    for connection in crowd:
        try:
            connection.sendall(said)
        except OSError:  # it has been cut
            continue
    for _ in range(5):
        assert service.call("GET", "/health").status == 200
        assert service.call("POST", "/api/v1/messages", {"text": "a"}).status == 201
        read_until(follower, b'"position":')
    for connection in (*crowd, follower):
        connection.close()
    assert service.stop()[0] == 0
    assert "out of system resource" not in service.logged()
    (line,) = [entry for entry in service.entries() if entry["level"] != "info"]
    assert line["message"].startswith("more than 48 connections")


def test_a_crowd_that_is_being_answered(service: Instance) -> None:
    """Is not cut: who comes then goes, and may come again when there is room."""
    crowd = []
    for _ in range(60):
        crowd.append(service.connect())
        crowd[-1].sendall(FOLLOW)
        time.sleep(0.005)
    answered = 0
    for connection in crowd:
        connection.settimeout(10)
        try:
            answered += connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        except OSError:
            continue
    assert answered == FILES - connections.RESERVED
    crowd[0].close()
    time.sleep(0.2)
    assert service.call("GET", "/health").status == 200
    for connection in crowd:
        connection.close()


def test_systemd_is_told_without_a_free_descriptor(tmp_path: Path) -> None:
    """A process that cannot open anything any more is not taken for a stuck one."""
    environment = {**configure(tmp_path), "WATCHDOG_USEC": "200000"}
    with listener() as sock, starting(environment, sock=sock) as instance:
        instance.wait_ready()
        resource.prlimit(instance.process.pid, resource.RLIMIT_NOFILE, (3, FILES))
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            instance.notified()
        assert instance.notified() == ["WATCHDOG=1"]


def test_a_system_that_accepts_nobody(tmp_path: Path) -> None:
    """Is told in a few lines, and not in thousands; who waited is answered when it is over."""
    with running(tmp_path) as instance:
        resource.prlimit(instance.process.pid, resource.RLIMIT_NOFILE, (3, FILES))
        waiting = instance.connect()
        waiting.sendall(GET)
        time.sleep(0.5)
        assert 0 < len(instance.logged().splitlines()) < 20
        resource.prlimit(instance.process.pid, resource.RLIMIT_NOFILE, (FILES, FILES))
        waiting.settimeout(10)
        assert waiting.recv(65536).startswith(b"HTTP/1.1 200 ")
        waiting.close()


def test_the_backlog_is_not_what_is_accepted_at_once(tmp_path: Path) -> None:
    """So many may wait to be accepted as systemd has said."""
    with listener() as sock, starting(configure(tmp_path), sock=sock) as instance:
        instance.wait_ready()
        instance.process.send_signal(signal.SIGSTOP)
        waiting = [socket.socket() for _ in range(60)]
        for connection in waiting:
            connection.settimeout(5)
            connection.connect(sock.getsockname())
        for connection in waiting:
            connection.close()


class Fake:
    """A connection that notes whether it was cut."""

    def __init__(self) -> None:
        self.transport = self
        self.cut = False

    def abort(self) -> None:
        """As a transport's."""
        self.cut = True


def test_who_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """First the silent, then the idle, then those who do not read, and of each who has waited the longest."""
    monkeypatch.setattr(connections, "most_connections", lambda: 5)
    monkeypatch.setattr(asyncio, "get_running_loop", time_only)
    held = Connections()
    made = [Fake() for _ in range(12)]

    def admit(fake: Fake) -> bool:
        held.connections.add(cast(HttpToolsProtocol, fake))
        return held.admit(fake)  # type: ignore[arg-type]

    assert all(admit(fake) for fake in made[:5])
    for fake, rank in zip(made, (Rank.UNREAD, Rank.IDLE, Rank.SILENT, Rank.IDLE), strict=False):
        held.waits(fake, rank)  # type: ignore[arg-type]
    held.waits(made[1], Rank.IDLE)  # type: ignore[arg-type]
    order = []
    for fake in made[5:]:
        stays = admit(fake)
        order += [number for number, other in enumerate(made) if other.cut and number not in order]
        assert stays is not fake.cut
    assert order == [2, 3, 1, 0, 9, 10, 11]


class time_only:  # noqa: N801 - stands for a function
    """A loop that knows the time."""

    def time(self) -> float:
        """As a loop's."""
        return 0.0


@pytest.mark.parametrize(
    ("files", "most"), [(1024, 944), (128, 48), (50, 8), (10**6, 2000), (resource.RLIM_INFINITY, 2000)]
)
def test_how_many(monkeypatch: pytest.MonkeyPatch, files: int, most: int) -> None:
    """As many as leave some descriptors for the rest, and never more than the memory should hold."""
    monkeypatch.setattr(resource, "getrlimit", lambda _: (files, files))
    assert most_connections() == most
