"""Asking a running service who it is."""

from __future__ import annotations

import http.client
import json
import socket
import time
from typing import Any

from .model import Log

WILDCARD = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  an address to compare with, not to bind


def ask(listen: str, timeout: float = 2.0) -> dict[str, Any] | None:
    """The answer of /health/ready behind `host:port` or a socket's path, with its `status`; None if none.

    The identity (name, environment, release) is in the answer whether it is ready or not.
    """
    connection = _connection(listen, timeout)
    try:
        connection.request("GET", "/health/ready", headers={"Connection": "close"})
        answer = connection.getresponse()
        body = json.loads(answer.read(65536))
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
    return {**body, "status": answer.status} if isinstance(body, dict) else None


def _connection(listen: str, timeout: float) -> http.client.HTTPConnection:
    if listen.startswith("/"):
        return _Unix(listen, timeout)
    host, port = listen.rsplit(":", 1)
    host = host.strip("[]")
    return http.client.HTTPConnection(WILDCARD.get(host, host), int(port), timeout=timeout)


class _Unix(http.client.HTTPConnection):
    """HTTP through a socket in the file system."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def ask_until_ready(listen: str, patience: float) -> dict[str, Any] | None:
    """The same, asked again until it is ready or `patience` seconds are over; then the last answer."""
    end = time.monotonic() + patience
    while True:
        answer = ask(listen, timeout=max(0.2, min(2.0, end - time.monotonic())))
        if (answer and answer.get("ready")) or time.monotonic() >= end:
            return answer
        time.sleep(0.02)


def log_of(answer: dict[str, Any] | None) -> Log | None:
    """The event log's length and head out of an answer."""
    if not answer or not isinstance(answer.get("log"), dict):
        return None
    log = answer["log"]
    return Log(int(log["length"]), str(log["head"]), log.get("holds") or {})
