"""Asking a running service who it is. What answers may be broken, or worse: nothing is taken on trust."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeGuard

from ..values.log import Log
from ..values.words import READINESS
from . import sockets

WILDCARD = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  an address to compare with, not to bind
REQUEST = f"GET {READINESS} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
STATUS = re.compile(r"HTTP/1\.[01] ([1-5][0-9][0-9]) ")  # the first line of a response, RFC 9112, section 4
LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]{1,9}) *(?:\r\n|$)", re.IGNORECASE)
LARGEST_POSITION = 2**63 - 1
BAD_REQUEST = 400
LONGEST = 1 << 16  # bytes of an answer


def ask(listen: str, timeout: float = 2.0, pid: int = 0) -> dict[str, Any] | None:
    """The answer of /health/ready behind `host:port` or a socket's path, with its `status`; None if none.

    The identity (name, environment, release) is in the answer whether it is ready or not. `timeout` seconds
    are for all of it, however slowly it drips. On a port, the answer of another process than `pid` is none:
    a service can hand its socket to a process that no restart ends. A service that speaks HTTPS answers a
    plain request with 400; its answer has the digest of its `certificate`.
    """
    end = time.monotonic() + timeout
    try:
        answer, other = _asked(listen, end, pid, _plain)
        if answer is not None and answer["status"] == BAD_REQUEST:
            answer, other = _asked(listen, end, pid, _secured)
    except (OSError, ValueError, RecursionError):
        return None
    if other is None:
        return answer
    has_ended = not Path(f"/proc/{pid}").exists()  # it was started again since somebody asked systemd
    reason = f"its process {pid} has ended meanwhile" if has_ended else f"{other} answers in its place"
    return {"ready": False, "reason": reason}


def _asked(
    listen: str, end: float, pid: int, secure: Callable[[socket.socket], tuple[socket.socket, str | None]]
) -> tuple[dict[str, Any] | None, str | None]:
    """Ask once: (the answer, the program that answers in place of `pid`). `secure` adds TLS to a connection.

    Raises `OSError`, `ValueError` and `RecursionError`.
    """
    with _connected(listen, max(0.001, end - time.monotonic())) as plain:
        connection, presented = secure(plain)
        with connection:
            answer = _parsed(_exchange(connection, end))
            is_port = pid and connection.family != socket.AF_UNIX
            other = sockets.other_end(connection, pid) if is_port else None
    if answer is not None:
        answer.pop("certificate", None)  # whatever it claims
        if presented is not None:
            answer["certificate"] = presented
    return answer, other


def _plain(connection: socket.socket) -> tuple[socket.socket, None]:
    return connection, None


def _secured(connection: socket.socket) -> tuple[socket.socket, str]:
    """Speak TLS: (the connection, the digest of its certificate). Raises `OSError`.

    The name in the certificate is another one than the address here: whose it is, the digest tells.
    """
    import ssl  # only for a service with HTTPS

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    secured = context.wrap_socket(connection)
    return secured, digest_of(secured.getpeercert(binary_form=True) or b"")


def digest_of(certificate: bytes) -> str:
    """The digest of a certificate in DER."""
    import hashlib  # as ssl

    return hashlib.sha256(certificate).hexdigest()


def ask_until_ready(
    listen: str, patience: float, patience_unready: float | None = None, pid: int = 0
) -> dict[str, Any] | None:
    """Ask again until the service is ready or `patience` seconds are over; return the last answer.

    A service that answers that it is not ready has `patience_unready` seconds, if that is given. `pid` is the
    process that has to answer on a port.
    """
    started = time.monotonic()
    end = started + patience
    while True:
        answer = ask(listen, max(0.2, min(2.0, end - time.monotonic())), pid)
        if answer and patience_unready is not None:
            end = min(end, started + patience_unready)
        if (answer and answer.get("ready")) or time.monotonic() >= end:
            return answer
        time.sleep(0.02)


def log_of(answer: Mapping[str, Any] | None) -> Log | None:
    """The event log's length, head and contents out of an answer; None where they are not all there."""
    log = (answer or {}).get("log")
    if not isinstance(log, dict):
        return None
    length, head, holds = log.get("length"), log.get("head"), log.get("holds", {})
    if not isinstance(head, str) or not isinstance(holds, dict) or not _is_position(length):
        return None
    if not all(isinstance(item, list) for item in holds.values()):
        return None
    message = log.get("said", {"position": 0, "hash": ""})
    if not isinstance(message, dict) or not _is_position(message.get("position")):
        return None
    return Log.of_answer(length, head, log) if isinstance(message.get("hash"), str) else None


def _is_position(value: Any) -> TypeGuard[int]:
    """Whether a value can be the position of an event."""
    return isinstance(value, int) and 0 <= value <= LARGEST_POSITION


def _connected(listen: str, timeout: float) -> socket.socket:
    if listen.startswith("/"):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(timeout)
        connection.connect(listen)
        return connection
    host, port = listen.rsplit(":", 1)
    host = host.strip("[]")
    return socket.create_connection((WILDCARD.get(host, host), int(port)), timeout=timeout)


def _exchange(connection: socket.socket, end: float) -> bytes:
    """Send the request and return the whole answer, or all that came until the other side closed.

    The connection stays open behind a whole answer. Raises `TimeoutError` when the time is over.
    """
    connection.sendall(REQUEST)
    answer = b""
    while len(answer) < LONGEST and not _is_whole(answer):
        connection.settimeout(max(0.001, end - time.monotonic()))
        data = connection.recv(LONGEST)
        if not data:
            break
        answer += data
        if time.monotonic() >= end:
            raise TimeoutError("it is not done with its answer")
    return answer


def _is_whole(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    length = LENGTH.search(head)
    return bool(end) and length is not None and len(body) >= int(length[1])


def _parsed(answer: bytes) -> dict[str, Any] | None:
    """Return the JSON object in a response. Raises `ValueError` for what is none, and for a body in chunks.

    http.client would parse those too, and takes longer to import than the rest of a look at a node takes.
    """
    head, _, rest = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    match = STATUS.match(status)
    fields = dict(line.lower().split(":", 1) for line in lines)
    length = int(fields.get("content-length", len(rest)))
    if match is None or not 0 <= length <= len(rest):
        raise ValueError(f"no whole HTTP response: {answer[:60]!r}")
    body = json.loads(rest[:length])
    return {**body, "status": int(match[1])} if isinstance(body, dict) else None
