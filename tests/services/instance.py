"""A real process of the service, on a socket that the test holds as systemd would."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from services.config import ROOT

TOKEN = "a-token-that-only-tests-know"

# What systemd does between fork and exec: the socket becomes descriptor 3, meant for this process alone.
PASS_SOCKET = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="helionyx-dev.socket")
os.execv(sys.argv[2], sys.argv[2:])
"""

MODULE = [sys.executable, "-m", "services.api.runner"]

Address = tuple[str, int] | str
"""Where a service listens: a host and a port, or the path of a socket."""

BYTECODE = Path(tempfile.gettempdir()) / f"helionyx-tests-{os.getuid()}-pycache"


@dataclass(frozen=True)
class Answer:
    """A response, read whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


class Connection(http.client.HTTPConnection):
    """HTTP to any address, by TLS if there is a context for it."""

    def __init__(
        self, address: Address, seconds: float = 10.0, context: ssl.SSLContext | None = None
    ) -> None:
        super().__init__("localhost", timeout=seconds)
        self._address = address
        self._context = context

    def connect(self) -> None:
        """Called before the first request."""
        self.sock = connect(self._address, self.timeout)
        if self._context is not None:
            self.sock = self._context.wrap_socket(self.sock, server_hostname="127.0.0.1")


class Log(threading.Thread):
    """All that a process logs. It is read at once: a pipe that nobody reads fills up, and stops it."""

    def __init__(self, pipe: IO[bytes]) -> None:
        super().__init__(daemon=True)
        self.written = b""
        self._pipe = pipe
        self.start()

    def run(self) -> None:
        """Read to the end."""
        with self._pipe:
            while data := os.read(self._pipe.fileno(), 65536):
                self.written += data


@dataclass
class Instance:
    """A running service."""

    process: subprocess.Popen[bytes]
    address: Address
    notifications: socket.socket
    log: Log
    context: ssl.SSLContext | None = None
    """The TLS context of a caller, where it serves HTTPS."""

    @property
    def port(self) -> int:
        """The port, where it listens on one."""
        return int(self.address[1])

    def call(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """One request on a connection of its own, with the token; a `body` that is no bytes goes as JSON."""
        connection = Connection(self.address, context=self.context)
        try:
            return exchange(connection, method, path, body, **headers)
        finally:
            connection.close()

    def connect(self) -> socket.socket:
        """A connection of its own, on which nothing has been said."""
        made = connect(self.address)
        return self.context.wrap_socket(made, server_hostname="127.0.0.1") if self.context else made

    def notified(self, seconds: float = 10.0) -> list[str]:
        """The lines of the next message to systemd."""
        self.notifications.settimeout(seconds)
        return self.notifications.recv(4096).decode().split("\n")

    def wait_ready(self) -> None:
        """Wait for READY=1."""
        while "READY=1" not in self.notified():
            pass

    def stop(self) -> tuple[int, str]:
        """SIGTERM; (exit code, all that was logged)."""
        self.process.send_signal(signal.SIGTERM)
        return self.end()

    def end(self) -> tuple[int, str]:
        """Wait for the end; (exit code, all that was logged)."""
        self.process.wait(timeout=20)
        self.log.join()
        return self.process.returncode, self.logged()

    def logged(self) -> str:
        """All that was logged until now."""
        return self.log.written.decode()

    def entries(self, message: str | None = None) -> list[dict[str, Any]]:
        """The lines of the log, decoded: all of them, or those with this message."""
        found = [json.loads(line) for line in self.logged().rpartition("\n")[0].splitlines()]
        return [entry for entry in found if message in (None, entry["message"])]


def exchange(
    connection: http.client.HTTPConnection, method: str, path: str, body: object = None, **headers: str
) -> Answer:
    """One request on `connection`. Header names are written with _ for -; an empty value leaves one out."""
    payload = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    kind = {} if body is None or isinstance(body, bytes) else {"Content-Type": "application/json"}
    given = {"Authorization": f"Bearer {TOKEN}", **kind} | {
        name.replace("_", "-"): text for name, text in headers.items()
    }
    connection.request(method, path, payload, {name: text for name, text in given.items() if text})
    response = connection.getresponse()
    return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())


def connect(address: Address, seconds: float | None = None) -> socket.socket:
    """A connection to `address`, without Nagle's algorithm. Waits at most `seconds` for anything."""
    if isinstance(address, tuple):
        made = socket.create_connection(address, seconds)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made
    made = socket.socket(socket.AF_UNIX)
    made.settimeout(seconds)
    made.connect(address)
    return made


def listener(path: Path | None = None) -> socket.socket:
    """A socket that listens on a free port of loopback, or on `path`."""
    made = (
        socket.create_server(("127.0.0.1", 0), backlog=1024)
        if path is None
        else socket.create_server(str(path), family=socket.AF_UNIX, backlog=1024)
    )
    assert isinstance(made, socket.socket)
    return made


def configure(directory: Path, **keys: str | None) -> dict[str, str]:
    """Write a credential below `directory`, and return the environment that a unit would give."""
    settings = {
        "API_HOST": "127.0.0.1",
        "API_TOKEN": TOKEN,
        "EVENT_STORE_PATH": str(directory / "events"),
        "PROJECTIONS_DB_PATH": str(directory / "projections" / "helionyx.db"),
        **keys,
    }
    lines = [f"{key}={value}\n" for key, value in settings.items() if value is not None]
    (directory / "credentials").mkdir(exist_ok=True)
    (directory / "credentials" / "env").write_text("".join(lines))
    # The bytecode is kept between tests: it is what a release has as well.
    return {
        "PATH": os.defpath,
        "ENV": "dev",
        "CREDENTIALS_DIRECTORY": str(directory / "credentials"),
        "PYTHONPYCACHEPREFIX": str(BYTECODE),
    }


@contextlib.contextmanager
def starting(
    environment: Mapping[str, str],
    command: list[str] | None = None,
    *,
    sock: socket.socket | None = None,
    port: int = 0,
    cwd: Path = ROOT,
) -> Iterator[Instance]:
    """Start a service, on `sock` if one is given. It is killed at the end, if it still runs."""
    name = f"@helionyx-test-{os.getpid()}-{time.monotonic_ns()}"
    run, passed = command or MODULE, []
    if sock is not None:
        run, passed = [sys.executable, "-c", PASS_SOCKET, str(sock.fileno()), *run], [sock.fileno()]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifications:
        notifications.bind(f"\0{name[1:]}")
        process = subprocess.Popen(
            run,
            cwd=cwd,
            env={"NOTIFY_SOCKET": name, **environment},
            pass_fds=passed,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        assert process.stderr is not None
        log = Log(process.stderr)
        try:
            address = sock.getsockname() if sock else ("127.0.0.1", port)
            yield Instance(process, address, notifications, log)
        finally:
            process.kill()
            process.wait()
            log.join()


@contextlib.contextmanager
def running(directory: Path, **keys: str | None) -> Iterator[Instance]:
    """A service that is ready, on a socket of its own, with its data below `directory`."""
    with listener() as sock, starting(configure(directory, **keys), sock=sock) as instance:
        instance.wait_ready()
        yield instance


def free_port() -> int:
    """A port on which nothing listens at the moment."""
    with listener() as sock:
        port: int = sock.getsockname()[1]
    return port
