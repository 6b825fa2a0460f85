"""Stopping under load: no request is lost."""

from __future__ import annotations

import contextlib
import http.client
import signal
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import apsw
import pytest

from services.event_log import EventLog
from tests.services.instance import (
    Address,
    Connection,
    Instance,
    configure,
    exchange,
    listener,
    starting,
)

REQUEST = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"


def received(connection: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    connection.settimeout(10)
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


@pytest.fixture(params=["port", "path"])
def sock(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[socket.socket]:
    """A listening socket of each kind that systemd passes on."""
    with listener(tmp_path / "socket" if request.param == "path" else None) as made:
        yield made


@pytest.fixture
def service(tmp_path: Path, sock: socket.socket) -> Iterator[Instance]:
    with starting(configure(tmp_path), sock=sock) as instance:
        instance.wait_ready()
        yield instance


of_one_kind = pytest.mark.parametrize("sock", ["port"], indirect=True)
"""For what takes long, and has nothing to do with the kind of the socket."""


def keep_alive(instance: Instance) -> socket.socket:
    """A connection on which one request has been answered."""
    connection = instance.connect()
    connection.sendall(REQUEST)
    first = b""
    connection.settimeout(10)
    while not first.endswith(b"}\n"):
        first += connection.recv(65536)
    assert first.startswith(b"HTTP/1.1 200")
    assert b"connection: close" not in first.lower()
    return connection


@pytest.mark.parametrize("kind", [Instance.connect, keep_alive], ids=["new", "kept alive"])
def test_a_request_on_an_open_connection_after_the_signal(service: Instance, kind: object) -> None:
    """It is answered, with the word that the connection ends."""
    assert callable(kind)
    connection = kind(service)
    service.process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    connection.sendall(REQUEST)
    answer = received(connection)
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"connection: close\r\n" in answer
    assert service.end()[0] == 0


@of_one_kind
def test_a_request_in_work_is_answered(service: Instance, tmp_path: Path) -> None:
    """A message that waits for the disk when the signal comes is recorded, and its caller told."""
    blocker = apsw.Connection(str(tmp_path / "events" / "events.db"))
    blocker.execute("BEGIN IMMEDIATE")
    answers: list[int] = []
    caller = threading.Thread(
        target=lambda: answers.append(service.call("POST", "/api/v1/messages", {"text": "a"}).status)
    )
    caller.start()
    time.sleep(0.2)
    service.process.send_signal(signal.SIGTERM)
    time.sleep(2.5)  # longer than idle connections stay
    blocker.execute("COMMIT")
    caller.join()
    assert answers == [201]
    assert service.end()[0] == 0


@of_one_kind
def test_a_request_that_arrives_slowly(service: Instance) -> None:
    """Whoever has begun to speak is heard out, for longer than idle connections stay."""
    one, two = keep_alive(service), service.connect()
    one.sendall(REQUEST[:10])
    service.process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    two.sendall(REQUEST[:10])
    time.sleep(2.5)
    for connection in (one, two):
        connection.sendall(REQUEST[10:])
        assert received(connection).startswith(b"HTTP/1.1 200")
    assert service.end()[0] == 0


@of_one_kind
def test_idle_connections_do_not_hold_the_stop_up(service: Instance) -> None:
    """They get time for one more request, and are closed then."""
    connection = keep_alive(service)
    begun = time.monotonic()
    service.process.send_signal(signal.SIGTERM)
    assert received(connection) == b""
    assert 1.5 < time.monotonic() - begun < 4
    assert service.end()[0] == 0


def test_a_second_signal_ends_the_grace(service: Instance) -> None:
    """Whoever is in a hurry need not wait."""
    connection = keep_alive(service)
    service.process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    service.process.send_signal(signal.SIGTERM)
    begun = time.monotonic()
    assert service.end()[0] == 0
    assert time.monotonic() - begun < 1
    connection.close()


def test_a_stop_takes_no_new_connection(tmp_path: Path, sock: socket.socket) -> None:
    """What connects after the signal waits in the socket for the next process."""
    environment = configure(tmp_path)
    with starting(environment, sock=sock) as old:
        old.wait_ready()
        held = keep_alive(old)
        old.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        late = old.connect()
        late.sendall(REQUEST)
        late.settimeout(0.5)
        with pytest.raises(TimeoutError):
            late.recv(1)
        held.close()
        assert old.end()[0] == 0
    with starting({**environment, "HELIONYX_RELEASE": "next"}, sock=sock) as new:
        new.wait_ready()
        late.settimeout(5)
        assert b'"release":"next"' in late.recv(65536)
        late.close()


@dataclass
class Load:
    """Clients that send as fast as they are answered, and note everything that goes wrong."""

    address: Address
    acknowledged: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    answered: list[tuple[str, int]] = field(default_factory=list)
    """The id and the status of each request that has an answer."""
    over: threading.Event = field(default_factory=threading.Event)

    def keep(self, number: int) -> None:
        """One client, on a connection that it keeps for as long as the server does."""
        connection = Connection(self.address, 15)
        while not self.over.is_set():
            self.one(connection, f"keep {number} {time.monotonic_ns()}")

    def renew(self, number: int) -> None:
        """One client, with a new connection for each request."""
        while not self.over.is_set():
            connection = Connection(self.address, 15)
            self.one(connection, f"renew {number} {time.monotonic_ns()}")
            connection.close()

    def rest(self, number: int) -> None:
        """One client that keeps its connection, and leaves it idle for most of the time."""
        connection = Connection(self.address, 15)
        while not self.over.wait(0.4):
            self.one(connection, f"rest {number} {time.monotonic_ns()}")

    def one(self, connection: http.client.HTTPConnection, text: str) -> None:
        """One request; reads and writes in turn."""
        request_id = text.replace(" ", "-")
        try:
            if len(self.answered) % 2:
                answer = exchange(connection, "GET", "/api/v1/messages?limit=3", X_Request_Id=request_id)
            else:
                body = {"text": text}
                answer = exchange(connection, "POST", "/api/v1/messages", body, X_Request_Id=request_id)
            self.answered.append((request_id, answer.status))
            if answer.status not in (200, 201):
                self.failures.append(f"{answer.status} {answer.body!r}")
            elif answer.status == 201:
                self.acknowledged.append(answer.json["text"])
        except (OSError, http.client.HTTPException) as error:
            self.failures.append(repr(error))
            connection.close()


@contextlib.contextmanager
def load(address: Address) -> Iterator[Load]:
    """Twelve clients of three kinds."""
    made = Load(address)
    threads = [
        threading.Thread(target=kind, args=(number,))
        for kind in (made.keep, made.renew, made.rest)
        for number in range(4)
    ]
    for thread in threads:
        thread.start()
    try:
        yield made
    finally:
        made.over.set()
        for thread in threads:
            thread.join()


def recorded(store: Path) -> list[str]:
    """The texts in the log, whose chain must hold."""
    log = EventLog.open(store, read_only=True)
    assert log.verify() is None
    return [str(record.envelope().data["text"]) for record in log.read()]


def test_restarts_under_load(tmp_path: Path, sock: socket.socket) -> None:
    """Two processes on one socket in turn: each request is answered, each message in the log once, and each
    answer has one line in the log of the process that gave it.
    """
    restarts = 6
    with contextlib.ExitStack() as stack:
        environment = configure(tmp_path)
        current = stack.enter_context(starting(environment, sock=sock))
        current.wait_ready()
        processes = [current]
        with load(sock.getsockname()) as clients:
            for _ in range(restarts):
                following = stack.enter_context(starting(environment, sock=sock))
                following.wait_ready()
                time.sleep(0.1)
                assert current.stop()[0] == 0
                current = following
                processes.append(current)
            time.sleep(0.1)
        assert current.stop()[0] == 0
    assert clients.failures == []
    lines = [line for process in processes for line in process.entries("answered")]
    assert sorted((line["request_id"], line["status"]) for line in lines) == sorted(clients.answered)
    assert len(clients.answered) > 200 * restarts / 6
    assert sorted(recorded(tmp_path / "events")) == sorted(clients.acknowledged)


def test_a_restart_without_an_overlap(tmp_path: Path) -> None:
    """With one process at a time callers wait in the socket, and still none is lost."""
    with listener() as sock:
        environment = configure(tmp_path)
        with load(sock.getsockname()) as clients:
            for _ in range(2):
                with starting(environment, sock=sock) as instance:
                    instance.wait_ready()
                    time.sleep(0.3)
                    assert instance.stop()[0] == 0
            with starting(environment, sock=sock) as instance:
                instance.wait_ready()
                clients.over.set()
                time.sleep(0.2)
                assert instance.stop()[0] == 0
    assert clients.failures == []
    assert sorted(recorded(tmp_path / "events")) == sorted(clients.acknowledged)


def test_a_kill_under_load(tmp_path: Path) -> None:
    """kill -9 loses requests and no message that was acknowledged."""
    with listener() as sock:
        environment = configure(tmp_path)
        with starting(environment, sock=sock) as instance:
            instance.wait_ready()
            with load(sock.getsockname()) as clients:
                time.sleep(0.5)
                instance.process.kill()
                clients.over.set()
                sock.close()
    texts = recorded(tmp_path / "events")
    assert len(clients.acknowledged) > 20
    assert set(clients.acknowledged) <= set(texts)
    assert len(set(texts)) == len(texts)
