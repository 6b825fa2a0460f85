"""Stopping under load: no request is lost."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from tests.services.instance import Instance, configure, listener, starting
from tests.services.load import load, recorded

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
