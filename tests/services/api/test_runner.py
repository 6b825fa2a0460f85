"""The process: how it is started, what it says, how it ends."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import site
import socket
import stat
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

import apsw
import pytest

from services.config import ROOT
from tests.services.instance import (
    MODULE,
    Instance,
    configure,
    exchange,
    free_port,
    listener,
    running,
    starting,
)

SCRIPT = [sys.executable, str(ROOT / "services" / "api" / "runner.py")]

# As a release is started: isolated, without site-packages but those on an explicit path.
RELEASE = [
    sys.executable,
    "-I",
    "-S",
    "-c",
    "import runpy, sys; sys.path[:0] = sys.argv[1:3]; runpy.run_module(sys.argv[3], run_name='__main__')",
    str(ROOT),
    site.getsitepackages()[0],
    "services.api.runner",
]


@pytest.mark.parametrize("command", [MODULE, SCRIPT, RELEASE], ids=["module", "script", "release"])
def test_it_listens_where_it_is_told(tmp_path: Path, command: list[str]) -> None:
    """Each way to start it binds the configured port, says so in one line, and ends with 0."""
    port = free_port()
    cwd = ROOT if command is MODULE else Path("/")
    environment = {**configure(tmp_path, API_PORT=str(port)), "HELIONYX_RELEASE": "r1"}
    with starting(environment, command, port=port, cwd=cwd) as instance:
        instance.wait_ready()
        assert instance.call("GET", "/health").json["release"] == "r1"
        assert instance.stop()[0] == 0
        started, stopped = instance.entries()
    who = {"env": "dev", "release": "r1"}
    store = {"event_store": str(tmp_path / "events"), "log_length": 1}
    told = {"message": "started", **who, "address": f"127.0.0.1:{port}", **store}
    assert started == {"time": started["time"], "level": "info", **told}
    assert stopped == {"time": stopped["time"], "level": "info", "message": "stopped", **who}


def test_it_comes_back_to_its_address_at_once(tmp_path: Path) -> None:
    """A connection that the first process has closed does not keep the second from the port."""
    port = free_port()
    for _ in range(2):
        with starting(configure(tmp_path, API_PORT=str(port)), port=port) as instance:
            instance.wait_ready()
            with socket.create_connection(("127.0.0.1", port)) as connection:
                connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                while connection.recv(65536):
                    pass
            assert instance.stop()[0] == 0


def test_a_checkout_keeps_its_data_in_it(tmp_path: Path) -> None:
    """Started in a checkout it reads `.env.dev` there, and makes data/dev, for its owner alone.

    A shell that has read that file does not lead it to the node's data.
    """
    shutil.copytree(ROOT / "services", tmp_path / "services", ignore=shutil.ignore_patterns("__pycache__"))
    port = free_port()
    (tmp_path / ".env.dev").write_text(
        "API_HOST=127.0.0.1\nEVENT_STORE_PATH=/nonexistent/a\nPROJECTIONS_DB_PATH=/nonexistent/b.db\n"
    )
    node = {"EVENT_STORE_PATH": "/nonexistent/a", "PROJECTIONS_DB_PATH": "/nonexistent/b.db"}
    environment = {"ENV": "dev", "API_PORT": str(port), "PATH": os.defpath, **node}
    command = [sys.executable, str(tmp_path / "services" / "api" / "runner.py")]
    with starting(environment, command, port=port, cwd=Path("/")) as instance:
        instance.wait_ready()
        assert instance.call("POST", "/api/v1/messages", {"text": "a"}).status == 201
        assert instance.stop()[0] == 0
    made = {path.relative_to(tmp_path / "data").as_posix(): path for path in (tmp_path / "data").rglob("*")}
    assert {"dev/events/events.db", "dev/projections"} <= set(made)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in made.values()}
    assert modes == {0o700, 0o600}


def test_make_run_is_of_the_checkout_alone(tmp_path: Path) -> None:
    """A shell on a node may hold what leads to a node's configuration: it does not reach the service."""
    (tmp_path / "scripts").mkdir()
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    for name in ("run.sh", "shell.sh"):
        shutil.copy(ROOT / "scripts" / name, tmp_path / "scripts")
    programs = {"scripts/setup.sh": "exit 0", ".venv/bin/python": "exec env"}
    for name, line in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / name).chmod(0o700)
    node = {"CREDENTIALS_DIRECTORY": "/run/x", "HELIONYX_RELEASE": "r1", "HELIONYX_REHEARSAL": "1"}
    environment = {"PATH": os.defpath, "TELEGRAM": "1", "ENV": "prod", **node}
    command = [str(tmp_path / "scripts" / "run.sh")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=10, check=True)
    variables = dict(line.split("=", 1) for line in done.stdout.splitlines())
    assert (variables["ENV"], variables["TELEGRAM"]) == ("dev", "1")
    assert not node.keys() & variables.keys()


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        (
            {"API_HOST": "0.0.0.0", "API_TOKEN": None},
            ["No API_TOKEN with a non-loopback address: the service refuses"],
        ),
        ({"API_PORT": "x", "LOG_LEVEL": "y"}, ["API_PORT", "LOG_LEVEL"]),
    ],
)
def test_a_bad_configuration(tmp_path: Path, keys: dict[str, str | None], told: list[str]) -> None:
    """All problems are told once, in one line, without a traceback; so says the exit code."""
    with starting(configure(tmp_path, **keys)) as instance:
        code, logged = instance.end()
        (entry,) = instance.entries()
    assert (entry["level"], len(entry["details"])) == ("error", len(told))
    assert code == 78
    assert "Traceback" not in logged
    assert [logged.count(problem) for problem in told] == [1] * len(told)


def test_no_environment(tmp_path: Path) -> None:
    """Without ENV it is told that there are three."""
    with starting({**configure(tmp_path), "ENV": ""}) as instance:
        code, logged = instance.end()
    assert code == 78
    assert "dev, staging, live" in logged


def test_an_address_in_use(tmp_path: Path) -> None:
    """One clear message with the address."""
    with listener() as sock:
        port = sock.getsockname()[1]
        with starting(configure(tmp_path, API_PORT=str(port))) as instance:
            assert instance.end()[0] == 1
            (entry,) = instance.entries()
    assert entry["message"] == f"cannot listen on 127.0.0.1:{port}: Address already in use"
    assert entry["hint"] == "another process listens there"


def test_a_log_that_it_does_not_know(tmp_path: Path) -> None:
    """It ends with one clear message, and never says that it is ready."""
    with running(tmp_path) as instance:
        instance.stop()
    connection = apsw.Connection(str(tmp_path / "events" / "events.db"))
    connection.pragma("user_version", 9)
    connection.close()
    with listener() as sock, starting(configure(tmp_path), sock=sock) as instance:
        code, logged = instance.end()
        assert "holds log table version 9, and this release knows version 1" in logged
        assert "Traceback" not in logged
        assert code == 1
        with pytest.raises(TimeoutError):  # systemd was told nothing
            instance.notified(0.1)


def test_it_answers_before_it_is_ready(tmp_path: Path) -> None:
    """While the log is opened, /health answers, /health/ready says why not, and the rest waits."""
    (tmp_path / "events").mkdir()
    blocker = apsw.Connection(str(tmp_path / "events" / "events.db"))
    blocker.execute("BEGIN EXCLUSIVE")
    with listener() as sock, starting(configure(tmp_path), sock=sock) as instance:
        assert instance.call("GET", "/health").status == 200
        answer = instance.call("GET", "/health/ready")
        assert (answer.status, answer.json["ready"]) == (503, False)
        assert answer.json["reason"] == "the event log is being opened"
        assert answer.json["environment"] == "dev"
        release = threading.Timer(0.3, blocker.execute, ["ROLLBACK"])
        release.start()
        # Who comes early is answered late: another process, which is ready, may have the same socket.
        assert instance.call("GET", "/api/v1/messages").status == 200
        assert instance.call("POST", "/api/v1/messages", {"text": "a"}).status == 201
        release.join()
        instance.wait_ready()
        assert instance.call("GET", "/health/ready").status == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_both_signals_stop_it(tmp_path: Path, number: signal.Signals) -> None:
    """With exit code 0, at once where nobody is connected."""
    with running(tmp_path) as instance:
        begun = time.monotonic()
        instance.process.send_signal(number)
        assert instance.end()[0] == 0
        assert time.monotonic() - begun < 1


def test_a_restart_keeps_every_byte(tmp_path: Path) -> None:
    """The lines of /events are the same after a restart, and after a kill."""
    lines = [b""]
    for _ in range(3):
        with running(tmp_path) as instance:
            assert instance.call("GET", "/api/v1/events").body.startswith(lines[-1])
            assert instance.call("POST", "/api/v1/messages", {"text": f"größe {len(lines)}"}).status == 201
            lines.append(instance.call("GET", "/api/v1/events").body)
            assert lines[-1].startswith(lines[-2])
            assert len(lines[-1]) > len(lines[-2])
            if len(lines) == 2:
                assert instance.stop()[0] == 0


def latency(instance: Instance) -> float:
    """Seconds per request on a connection that is kept alive, the median."""
    connection = http.client.HTTPConnection("127.0.0.1", instance.port)
    connection.connect()
    seconds = []
    for _ in range(15):
        begun = time.perf_counter()
        assert exchange(connection, "GET", "/health").status == 200
        seconds.append(time.perf_counter() - begun)
    connection.close()
    return statistics.median(seconds)


@pytest.mark.parametrize("inherits", [True, False], ids=["systemd's socket", "its own socket"])
def test_answers_do_not_wait_for_nagle(tmp_path: Path, inherits: bool) -> None:
    """An answer takes a few milliseconds, and not the 40 of a delayed acknowledgement."""
    port = free_port()
    with listener() as sock:
        environment = configure(tmp_path, API_PORT=str(port))
        with starting(environment, sock=sock if inherits else None, port=port) as instance:
            instance.wait_ready()
            assert latency(instance) < 0.02
