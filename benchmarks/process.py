"""The service as a process of its own: how soon it is ready, how much memory it holds, how it answers."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.config import ROOT
from tests.services.instance import configure, free_port

RELEASED = [sys.executable, "-OO", "-m", "services.api.runner"]
"""Without docstrings and assertions, as the byte code of a release is.

The unit itself does without `-OO`, for which a node has no byte code of the standard library (ADR 11). Here
Python writes that at the first start.
"""

READY_SECONDS = 120.0
"""The limit for a start: the first one on a long log builds the read models."""


@dataclass(frozen=True)
class Running:
    """A service that is ready."""

    process: subprocess.Popen[bytes]
    port: int
    ready_after: float
    """Seconds from exec to READY=1."""

    def memory(self) -> float:
        """Resident, in MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) / 1024

    def processor(self) -> float:
        """Seconds of processor time until now."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def called(self, *options: str) -> dict[str, Any]:
        """The figures of `benchmarks.callers`, run as a program."""
        command = [sys.executable, "-m", "benchmarks.callers", "--port", str(self.port), *options]
        done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, timeout=120)
        result: dict[str, Any] = json.loads(done.stdout)
        return result


@contextlib.contextmanager
def running(directory: Path, **keys: str) -> Iterator[Running]:
    """A service with its data below `directory`, stopped at the end. What it logs goes into a file there.

    `keys` are those of the configuration that are not as the tests have them.
    """
    port = free_port()
    name = f"@helionyx-bench-{os.getpid()}-{time.monotonic_ns()}"
    environment = {"NOTIFY_SOCKET": name, **configure(directory, API_PORT=str(port), **keys)}
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready, (directory / "log").open("wb") as log:
        ready.bind(f"\0{name[1:]}")
        ready.settimeout(READY_SECONDS)
        started = time.perf_counter()
        process = subprocess.Popen(
            RELEASED, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            while b"READY=1" not in ready.recv(4096).split(b"\n"):
                pass
            yield Running(process, port, time.perf_counter() - started)
        finally:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
