"""Somebody who types commands: real processes, on a pipe or on a terminal."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from services.config import ROOT
from tests.services.instance import BYTECODE, TOKEN, Instance, configure, listener, starting

SECONDS = 60

Done = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Person:
    """Has the `.env` files of `directory`."""

    directory: Path

    @classmethod
    def at(cls, directory: Path, port: int, environment: str = "dev", **keys: str) -> Person:
        """With a configuration for a service on this port of loopback."""
        settings = {
            "API_HOST": "127.0.0.1",
            "API_PORT": str(port),
            "API_TOKEN": TOKEN,
            "EVENT_STORE_PATH": f"/var/lib/helionyx/{environment}/events",
            "PROJECTIONS_DB_PATH": f"/var/lib/helionyx/{environment}/projections/helionyx.db",
            **keys,
        }
        lines = (f"{key}={value}\n" for key, value in settings.items())
        (directory / f".env.{environment}").write_text("".join(lines))
        return cls(directory)

    def variables(self, **more: str) -> dict[str, str]:
        """What this person's shell holds."""
        own = {"PATH": os.defpath, "ENV_DIR": str(self.directory)}
        return {**own, "PYTHONPYCACHEPREFIX": str(BYTECODE), **more}

    def run(self, *words: str, given: str | bytes = b"", **variables: str) -> Done:
        """A command on pipes, to its end."""
        done = subprocess.run(
            command(*words),
            cwd=ROOT,
            env=self.variables(**variables),
            input=given.encode() if isinstance(given, str) else given,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
        return Done(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())

    @contextlib.contextmanager
    def started(self, *words: str, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
        """A command on pipes that goes on; it is killed at the end, if it still runs."""
        with subprocess.Popen(
            command(*words),
            cwd=ROOT,
            env=self.variables(**variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def see(self, *words: str, columns: int = 80, **variables: str) -> str:
        """What a terminal so wide gets to show."""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        process = subprocess.Popen(
            command(*words),
            cwd=ROOT,
            env=self.variables(TERM="xterm", **variables),
            stdin=slave,
            stdout=slave,
            stderr=slave,
        )
        os.close(slave)
        seen = b""
        with contextlib.suppress(OSError):  # EIO: nobody has the terminal any more
            while data := os.read(master, 65536):
                seen += data
        os.close(master)
        process.wait(timeout=SECONDS)
        return seen.decode().replace("\r\n", "\n")


def command(*words: str) -> list[str]:
    """The command line, as a program."""
    return [sys.executable, "-m", "services.cli", *words]


@contextlib.contextmanager
def beside_service(directory: Path, **keys: str) -> Iterator[tuple[Person, Instance]]:
    """A person and a service that is ready."""
    with listener() as sock, starting(configure(directory, **keys), sock=sock) as instance:
        instance.wait_ready()
        yield Person.at(directory, instance.port, **keys), instance
