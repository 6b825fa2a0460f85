"""Whatever answers on the service's port: none of it stops a verb, and none of it holds one up."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from deployment.host.node import probe
from deployment.host.values.log import Log
from deployment.settings import ROOT

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
GOOD = b'{"ready": true, "release": "a", "log": {"length": 2, "head": "ff", "holds": {"Said": [1]}}}'


@contextlib.contextmanager
def answering(chunks: list[bytes], pause: float = 0.0, path: Path | None = None) -> Iterator[str]:
    """A server that answers one caller with these bytes, one after the other."""
    listener = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
    listener.bind(str(path) if path else ("127.0.0.1", 0))
    listener.listen()

    def serve() -> None:
        with contextlib.suppress(OSError):
            caller, _ = listener.accept()
            with caller:
                caller.recv(65536)
                for chunk in chunks:
                    caller.sendall(chunk)
                    time.sleep(pause)

    server = threading.Thread(target=serve)
    server.start()
    try:
        yield str(path) if path else f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        server.join()


@pytest.mark.parametrize("unix", [False, True])
def test_answer_is_taken_apart(tmp_path: Path, unix: bool) -> None:
    """With the status, from a port and from a socket in the file system."""
    with answering([HEAD, GOOD[:20], GOOD[20:]], path=tmp_path / "socket" if unix else None) as listen:
        answer = probe.ask(listen)
    assert answer is not None
    assert (answer["status"], answer["release"]) == (200, "a")
    assert probe.log_of(answer) == Log(2, "ff", {"Said": [1]})


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no HTTP at all",
        HEAD,
        HEAD + b"{",
        HEAD + b"[" * 60_000,
        HEAD + b"[]",
        HEAD + b"\xff\xfe",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}",
        HEAD + b"x" * 200_000,
    ],
    ids=range(9),
)
def test_nonsense_is_no_answer(content: bytes) -> None:
    """And never an exception: a service must not be able to keep anybody from stopping it."""
    with answering([content]) as listen:
        assert probe.ask(listen) is None


@pytest.mark.parametrize(
    "log",
    [
        None,
        [],
        {},
        {"length": "x", "head": "ff"},
        {"length": 1},
        {"length": 1, "head": 2},
        {"length": 1, "head": "ff", "holds": [1]},
        {"length": 1, "head": "ff", "holds": {"Said": 1}},
    ],
)
def test_log_that_is_none_is_not_made_up(log: object) -> None:
    """Half of it is nothing."""
    assert probe.log_of({"log": log}) is None


def test_answer_that_drips_is_not_waited_for() -> None:
    """The time is for all of it, and not for each of its bytes."""
    begun = time.monotonic()
    with answering([bytes([byte]) for byte in HEAD + GOOD], pause=0.1) as listen:
        assert probe.ask(listen, timeout=0.3) is None
        assert time.monotonic() - begun < 2


def test_nobody_is_no_answer() -> None:
    """Refused at once, and no exception."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        assert probe.ask(f"127.0.0.1:{unused.getsockname()[1]}") is None


@contextlib.contextmanager
def answering_in_turn(bodies: Iterable[bytes]) -> Iterator[str]:
    """A server whose answers are `bodies`, one for each connection; yields its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                for body in bodies:
                    caller, _ = listener.accept()
                    with caller:
                        caller.recv(65536)
                        caller.sendall(HEAD + body)

        server = threading.Thread(target=serve)
        server.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        server.join()


def test_service_that_is_not_ready_yet_is_asked_again() -> None:
    """The first answer that is ready counts, and no time is spent behind it."""
    bodies = [b'{"ready": false, "reason": "catching up"}', b'{"ready": false}', b'{"ready": true}']
    with answering_in_turn(bodies) as listen:
        answer = probe.ask_until_ready(listen, patience=30.0)
    assert answer == {"ready": True, "status": 200}


def test_service_that_says_it_is_not_ready_is_believed_soon() -> None:
    """Patience is for a service that does not answer."""
    begun = time.monotonic()
    with answering_in_turn(itertools.repeat(b'{"ready": false}')) as listen:
        answer = probe.ask_until_ready(listen, patience=30.0, patience_unready=0.05)
    assert answer == {"ready": False, "status": 200}
    assert time.monotonic() - begun < 15


HAND_OVER = """
import socket, sys
listener = socket.socket(fileno=int(sys.argv[1]))
while True:
    caller, _ = listener.accept()
    with caller:
        caller.recv(65536)
        caller.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 15\\r\\n\\r\\n" + b'{"ready": true}')
        caller.recv(65536)
"""


@pytest.mark.parametrize(
    ("bound", "asked"), [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]"), ("::", "0.0.0.0")], ids=range(3)
)
def test_process_that_has_to_answer_is_told_from_others(bound: str, asked: str) -> None:
    """A service can hand its socket to a process that goes on when the service is started again."""
    family = socket.AF_INET6 if ":" in bound else socket.AF_INET
    listener = socket.create_server((bound, 0), family=family, dualstack_ipv6=bound == "::")
    argv = [sys.executable, "-c", HAND_OVER, str(listener.fileno())]
    with listener, subprocess.Popen(argv, pass_fds=[listener.fileno()]) as process:
        listen = f"{asked}:{listener.getsockname()[1]}"
        try:
            assert probe.ask(listen) == probe.ask(listen, pid=process.pid) == {"ready": True, "status": 200}
            other = probe.ask(listen, pid=os.getpid())
            with subprocess.Popen(["true"]) as before:
                pass
            again = probe.ask(listen, pid=before.pid)
        finally:
            process.kill()
    assert again == {"ready": False, "reason": f"its process {before.pid} has ended meanwhile"}
    assert other is not None
    assert not other["ready"]
    assert f"(pid {process.pid}) answers in its place" in other["reason"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a process of another user")
def test_process_that_cannot_be_looked_into_is_believed() -> None:
    """As root of a container without CAP_SYS_PTRACE: there a deploy is possible all the same."""
    listener = socket.create_server(("127.0.0.1", 0))
    argv = ["/usr/bin/python3", "-c", HAND_OVER, str(listener.fileno())]
    with (
        listener,
        subprocess.Popen(argv, pass_fds=[listener.fileno()], user="nobody", group="nogroup") as process,
    ):
        listen = f"127.0.0.1:{listener.getsockname()[1]}"
        look = f"from deployment.host.node.probe import ask; print(ask({listen!r}, pid={process.pid}))"
        try:
            asked = subprocess.run(
                [
                    *("setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace"),
                    *(sys.executable, "-c", look),
                ],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=True,
                timeout=30,
            )
        finally:
            process.kill()
    assert asked.stdout == "{'ready': True, 'status': 200}\n"
