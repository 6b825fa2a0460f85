"""`helionyx events`: the log on a pipe, and as it goes on."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.event_log.records import new_entry
from services.event_log.sqlite.log import SqliteLog
from services.event_log.transfer import import_lines
from tests.services.instance import Instance, configure, free_port, starting
from tests.services.person import SECONDS, Person, beside_service


def tell(service: Instance, *texts: str) -> list[int]:
    """Have these kept; their positions."""
    return [service.call("POST", "/api/v1/messages", {"text": text}).json["position"] for text in texts]


def read_to(process: subprocess.Popen[bytes], position: int) -> list[int]:
    """The positions of what comes, up to this one."""
    assert process.stdout is not None
    found: list[int] = []
    while position not in found:
        line = process.stdout.readline()
        assert line, process.stderr and process.stderr.read()
        found.append(json.loads(line)["position"])
    return found


def test_the_log_as_it_is(tmp_path: Path) -> None:
    """One line for each event; as JSON the very lines of the API."""
    with beside_service(tmp_path) as (person, service):
        first, last = tell(service, "one\ttab\nand a line", "two")
        lines = person.run("events", "--after", str(first - 1)).stdout.splitlines()
        assert [line.split()[0] for line in lines if "MessageRecorded" in line] == [str(first), str(last)]
        assert "one tab and a line" in lines[0]
        assert person.run("events", "--json").stdout.encode() == service.call("GET", "/api/v1/events").body
        some = person.run("events", "--json", "--last", "1", "--type", "MessageRecorded").stdout
        assert json.loads(some)["position"] == last
        assert person.run("events", "--type", "Nothing").stdout == ""
        assert person.run("events", "--last", "1", "--type", "Nothing").stdout == ""


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_restart_while_following(tmp_path: Path, end: signal.Signals) -> None:
    """Nothing is lost and nothing comes twice, also of what was said before the connection stood again."""
    port = free_port()
    environment = configure(tmp_path, API_PORT=str(port))
    person = Person.at(tmp_path, port)
    seen: list[int] = []
    with starting(environment, port=port) as service:
        service.wait_ready()
        last = tell(service, "one", "two")[-1]
        with person.started("events", "--follow", "--json") as following:
            seen += read_to(following, last)
            seen += read_to(following, tell(service, "three")[-1])
            service.process.send_signal(end)
            service.end()
            for _ in range(2):
                with starting(environment, port=port) as again:
                    again.wait_ready()
                    seen += read_to(following, tell(again, "four", "five")[-1])
                    again.process.send_signal(end)
                    again.end()
            following.send_signal(signal.SIGINT)
            assert following.wait(SECONDS) == 130
            assert following.stderr is not None
            assert b"Traceback" not in following.stderr.read()
    assert seen == list(range(1, len(seen) + 1))


@pytest.mark.parametrize("words", [[], ["--last", "0"]], ids=["from the beginning", "from the end"])
@pytest.mark.parametrize("more", [0, 5], ids=["shorter", "longer"])
def test_a_restore_while_following(tmp_path: Path, more: int, words: list[str]) -> None:
    """The command reports the restore, and goes on from where the two logs part."""
    port = free_port()
    environment = configure(tmp_path, API_PORT=str(port))
    person = Person.at(tmp_path, port)
    with starting(environment, port=port) as service:
        service.wait_ready()
        same = tell(service, "one", "two")[-1]
        copy = service.call("GET", "/api/v1/events").body.splitlines()
        last = tell(service, "three")[-1]
        with person.started("events", "--follow", "--json", *words) as following:
            if words:  # nothing comes, and nothing says that it follows
                wait_for_followers(service, 1)
            else:
                read_to(following, last)
            service.process.send_signal(signal.SIGKILL)
            service.end()
            restore(tmp_path, copy, 1 + more)
            with starting(environment, port=port) as again:
                again.wait_ready()
                seen = read_to(following, tell(again, "new")[-1])
                following.send_signal(signal.SIGINT)
            assert following.wait(SECONDS) == 130
            assert following.stderr is not None
            told = following.stderr.read().decode()
    first = 1 if words else same + 1  # what it has not received it cannot compare
    assert seen == list(range(first, seen[-1] + 1))
    assert f"the event log was replaced from position {first} on" in told


def wait_for_followers(service: Instance, count: int) -> None:
    """Wait until so many follow the log."""
    end = time.monotonic() + SECONDS
    while f"\nhelionyx_followers {count}.0\n".encode() not in service.call("GET", "/metrics").body:
        assert time.monotonic() < end
        time.sleep(0.02)


def restore(directory: Path, lines: list[bytes], more: int) -> None:
    """Put a log in the place of the one there: these records, and so many others."""
    shutil.rmtree(directory / "events")
    shutil.rmtree(directory / "projections")
    (directory / "events.head").unlink()  # as a restore does: else this is no log for the service
    with contextlib.closing(SqliteLog.open(directory / "events")) as log:
        import_lines(log, [line + b"\n" for line in lines])
        note = new_entry("MessageRecorded", 1, datetime.now(UTC), {"text": "a", "source": "x"})
        log.append([note] * more)


def test_ctrl_c_ends_quietly(tmp_path: Path) -> None:
    """Exit code 130, and not a word."""
    with beside_service(tmp_path) as (person, service), person.started("events", "-f", "--json") as following:
        read_to(following, tell(service, "one")[-1])
        following.send_signal(signal.SIGINT)
        out, told = following.communicate(timeout=SECONDS)
        assert (following.returncode, out, told) == (130, b"", b"")


def test_closed_pipe_ends_quietly(tmp_path: Path) -> None:
    """At once: not when the next event comes."""
    with beside_service(tmp_path) as (person, service), person.started("events", "-f", "--json") as following:
        read_to(following, tell(service, "one")[-1])
        assert following.stdout is not None
        assert following.stderr is not None
        following.stdout.close()
        begun = time.monotonic()
        assert following.wait(SECONDS) == 1
        assert time.monotonic() - begun < 5
        assert following.stderr.read() == b""


def test_a_pipe_that_is_closed_while_much_comes(tmp_path: Path) -> None:
    """Who reads the first line only, gets that, and no traceback."""
    with beside_service(tmp_path) as (person, service):
        tell(service, *("x" * 5000 for _ in range(60)))
        with person.started("events", "--json") as reading:
            assert reading.stdout is not None
            assert reading.stderr is not None
            assert json.loads(reading.stdout.readline())["position"] == 1
            reading.stdout.close()
            assert reading.wait(SECONDS) == 1
            assert reading.stderr.read() == b""


def test_what_is_refused_is_not_tried_again(tmp_path: Path) -> None:
    """Nor is a service that was never there."""
    with beside_service(tmp_path) as (person, _):
        done = person.run("events", "--follow", "--type", "no type")
        assert done.returncode == 1
        assert "expected type to be" in done.stderr
        Person.at(tmp_path, free_port())
        done = person.run("events", "--follow")
        assert done.returncode == 1
        assert "Connection refused" in done.stderr
