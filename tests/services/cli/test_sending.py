"""What is said to a service that is down, slow to hear or killed: kept, and once."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.cli.client import Client
from services.cli.errors import NoAnswerError
from services.cli.target import Target
from services.event_log.sqlite.log import SqliteLog
from tests.services.instance import TOKEN, configure, connect, free_port, listener, starting
from tests.services.person import SECONDS, Person, beside_service

UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def kept(directory: Path) -> Counter[object]:
    """How often each text is in the log."""
    with contextlib.closing(SqliteLog.open(directory / "events", read_only=True)) as log:
        events = [record.entry() for record in log.read()]
    return Counter(event.data["text"] for event in events if event.type == "MessageRecorded")


def test_said_while_the_service_is_down(tmp_path: Path) -> None:
    """It waits for the service, says so, and is kept once."""
    port = free_port()
    person = Person.at(tmp_path, port)
    with person.started("say", "in between") as said:
        assert said.stderr is not None
        note = said.stderr.readline().decode()
        assert f"no answer from http://127.0.0.1:{port}: Connection refused; trying again for 15 s" in note
        with starting(configure(tmp_path, API_PORT=str(port)), port=port) as service:
            service.wait_ready()
            out, rest = said.communicate(timeout=SECONDS)
            assert (said.returncode, rest) == (0, b"")
            assert b"recorded as #" in out
            service.stop()
    assert kept(tmp_path) == {"in between": 1}


@pytest.mark.parametrize(
    ("words", "given"),
    [
        (("say", ""), ""),
        (("say", " ", "\n"), ""),
        (("say",), " \n"),
        (("accept", "1", "--because", " "), ""),
        (("tag", "1", "!"), ""),
        (("due", "1", "someday"), ""),
    ],
)
def test_what_says_nothing_waits_for_nobody(tmp_path: Path, words: tuple[str, ...], given: str) -> None:
    """An empty message is refused at once, without a request."""
    done = Person.at(tmp_path, free_port()).run(*words, given=given)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: expected a")
    assert "trying again" not in done.stderr


def test_ctrl_c_while_it_is_said(tmp_path: Path) -> None:
    """Exit code 130, and the doubt in which it leaves who typed it."""
    with Person.at(tmp_path, free_port()).started("say", "never mind") as said:
        assert said.stderr is not None
        said.stderr.readline()
        said.send_signal(signal.SIGINT)
        out, told = said.communicate(timeout=SECONDS)
        assert (said.returncode, out) == (130, b"")
        assert told == b"interrupted; it may have been recorded\n"


@contextlib.contextmanager
def relay(behind: tuple[str, int], *first: str) -> Iterator[int]:
    """Passes requests on, each on a connection of its own; the first answers are not what was answered.

    `unheard`: the service has answered, and nobody hears it. `unavailable`: a proxy answers for it.
    """
    ways = [*first]

    def serve(front: socket.socket) -> None:
        while True:
            try:
                caller, _ = front.accept()
            except OSError:
                return
            with caller, connect(behind, 10) as service:
                request = caller.recv(65536)
                while b"\r\n\r\n" not in request or (request.startswith(b"POST") and b'"}' not in request):
                    request += caller.recv(65536)
                way = ways.pop(0) if ways else "passed on"
                if way == "unavailable":
                    caller.sendall(UNAVAILABLE)
                    continue
                service.sendall(request)
                answer = service.recv(65536)
                if way == "passed on":
                    caller.sendall(answer)

    with listener() as front:
        thread = threading.Thread(target=serve, args=(front,))
        thread.start()
        try:
            yield front.getsockname()[1]
        finally:
            front.shutdown(socket.SHUT_RDWR)
            thread.join()


def test_an_answer_that_is_not_heard(tmp_path: Path) -> None:
    """It was kept: sent again, under the same key, it is not kept twice."""
    with (
        beside_service(tmp_path) as (_, service),
        relay(("127.0.0.1", service.port), "unheard", "unavailable", "unheard") as port,
    ):
        done = Person.at(tmp_path, port).run("say", "once")
        assert done.returncode == 0
        assert done.stderr.count("trying again") == 1
    assert kept(tmp_path) == {"once": 1}


def test_kill_9_while_it_is_said(tmp_path: Path) -> None:
    """Many say something while the service is killed again and again: all is kept, each once."""
    port = free_port()
    person = Person.at(tmp_path, port)
    said = [f"word {number}" for number in range(12)]
    environment = configure(tmp_path, API_PORT=str(port))
    with contextlib.ExitStack() as stack:
        sayings: list[subprocess.Popen[bytes]] = []
        for number, text in enumerate(said):
            sayings.append(stack.enter_context(person.started("say", text)))
            if number % 4 == 3:
                with starting(environment, port=port) as service:
                    service.wait_ready()
                    time.sleep(0.05 * number)
                    service.process.kill()
        with starting(environment, port=port) as service:
            service.wait_ready()
            for saying in sayings:
                _, told = saying.communicate(timeout=SECONDS)
                assert saying.returncode == 0, told
    assert kept(tmp_path) == dict.fromkeys(said, 1)


@pytest.mark.parametrize("heard", [False, True])
def test_patience_ends(tmp_path: Path, heard: bool) -> None:
    """And it is said whether anything may have been kept."""
    notes: list[str] = []
    with (
        beside_service(tmp_path) as (_, service),
        relay(("127.0.0.1", service.port), *(["unheard"] * 99)) as port,
    ):
        url = f"http://127.0.0.1:{port if heard else free_port()}"
        target = Target("dev", url, False, ".env.dev", "UTC", TOKEN)
        with pytest.raises(
            NoAnswerError, match="may have been recorded" if heard else "nothing was recorded"
        ):
            Client(target, notes.append, 0.5).change("POST", "/api/v1/messages", {"text": "x"})
    assert len(notes) == 1
