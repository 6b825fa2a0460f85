"""Restarts under load, one after the other: no request is lost.

RESTARTS=100 in the environment makes them a hundred, half as many without an overlap; with -s the numbers
are told.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.instance import configure, listener, starting
from tests.services.load import Load, load, recorded

RESTARTS = int(os.environ.get("RESTARTS", "6"))

pytestmark = pytest.mark.timeout(60 + 10 * RESTARTS)


@pytest.fixture(params=["port", "path"])
def sock(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[socket.socket]:
    """A listening socket of each kind that systemd passes on."""
    with listener(tmp_path / "socket" if request.param == "path" else None) as made:
        yield made


def tell(clients: Load, restarts: int) -> None:
    """The numbers, for who asks pytest for what is printed."""
    print(
        f"{restarts} restarts, {len(clients.answered)} requests answered,"
        f" {len(clients.acknowledged)} messages recorded, {len(clients.failures)} requests failed"
    )


def test_restarts_under_load(tmp_path: Path, sock: socket.socket) -> None:
    """Two processes on one socket in turn: each request is answered, each message in the log once, and each
    answer has one line in the log of the process that gave it.
    """
    with contextlib.ExitStack() as stack:
        environment = configure(tmp_path)
        current = stack.enter_context(starting(environment, sock=sock))
        current.wait_ready()
        processes = [current]
        with load(sock.getsockname()) as clients:
            for _ in range(RESTARTS):
                following = stack.enter_context(starting(environment, sock=sock))
                following.wait_ready()
                time.sleep(0.1)
                assert current.stop()[0] == 0
                current = following
                processes.append(current)
            time.sleep(0.1)
        assert current.stop()[0] == 0
    tell(clients, RESTARTS)
    assert clients.failures == []
    lines = [line for process in processes for line in process.entries("answered")]
    assert sorted((line["request_id"], line["status"]) for line in lines) == sorted(clients.answered)
    assert len(clients.answered) > 30 * RESTARTS
    assert sorted(recorded(tmp_path / "events")) == sorted(clients.acknowledged)


def test_a_restart_without_an_overlap(tmp_path: Path) -> None:
    """With one process at a time callers wait in the socket, and still none is lost."""
    with listener() as sock:
        environment = configure(tmp_path)
        with load(sock.getsockname()) as clients:
            for _ in range(RESTARTS // 2):
                with starting(environment, sock=sock) as instance:
                    instance.wait_ready()
                    time.sleep(0.2)
                    assert instance.stop()[0] == 0
            with starting(environment, sock=sock) as instance:
                instance.wait_ready()
                clients.over.set()
                time.sleep(0.2)
                assert instance.stop()[0] == 0
    tell(clients, RESTARTS // 2)
    assert clients.failures == []
    assert sorted(recorded(tmp_path / "events")) == sorted(clients.acknowledged)
