"""Callers who send no more, and still read: `nc -N`, or shutdown(SHUT_WR)."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path

import pytest

from tests.services.api.test_limits import GET, POST, problem, serve, short
from tests.services.instance import TOKEN, Instance, running

__all__ = ["short"]  # the limits are as short here


@pytest.mark.parametrize(
    ("text", "answers"),
    [
        (GET, 1),
        (GET.replace(b" / ", b" /work "), 1),
        (GET.replace(b" / ", b" /parts "), 1),
        (POST.replace(b" / ", b" /work ") + b"x" * 100, 1),
        (GET.replace(b" / ", b" /work ") + POST + b"x" * 100 + GET, 3),
        (b"GET /work HTTP/1.0\r\n\r\n", 1),
    ],
    ids=["quick", "slow", "large", "with a body", "several", "HTTP/1.0"],
)
def test_what_has_arrived_whole_is_answered(text: bytes, answers: int) -> None:
    """And then the connection is closed, as the last answer says."""

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(text)
        writer.write_eof()
        found = await reader.read()
        assert found.count(b"HTTP/1.1 200 OK") == found.count(b"done") == answers
        if b" /work " in text and answers == 1:
            assert b"connection: close" in found

    assert len(serve(client)) == answers


@pytest.mark.parametrize(
    ("text", "answers"),
    [
        (POST + b"x" * 99, 0),
        (b"GET / HTTP/1.1\r\nHo", 0),
        (GET.replace(b" / ", b" /work ") + POST, 1),
        (GET.replace(b" / ", b" /work ") + b"GET / HTTP/1.1\r\nHo", 1),
    ],
    ids=["a body", "a head", "a body behind another request", "a head behind another request"],
)
def test_a_part_is_refused(text: bytes, answers: int) -> None:
    """Complete requests in front of the partial one are answered."""

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(text)
        writer.write_eof()
        found = await reader.read()
        assert found.count(b"HTTP/1.1 200 OK") == answers
        if not answers:
            refused = problem(found)
            assert refused["status"] == 400
            assert refused["detail"] == "the request ended before it was complete"

    serve(client)


def test_nothing_is_owed_to_an_idle_connection() -> None:
    """An idle connection is closed when the caller ends it."""

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GET)
        await reader.readuntil(b"done\r\n0\r\n\r\n")
        writer.write_eof()
        assert await asyncio.wait_for(reader.read(), 0.2) == b""

    serve(client)


def half_closed(service: Instance, text: str) -> bytes:
    """The bytes that come back until the service closes the connection."""
    with service.connect() as connection:
        connection.settimeout(10)
        connection.sendall(text.encode())
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_a_record_is_answered(tmp_path: Path) -> None:
    """Ten times of ten, and so is a poll that waits; a stream is let go at once."""
    head = f"HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
    body = json.dumps({"text": "half closed"})
    with running(tmp_path) as service:
        for number in range(10):
            request = f"POST /api/v1/messages {head}Content-Length: {len(body)}\r\n\r\n{body}"
            answer = half_closed(service, request)
            assert answer.startswith(b"HTTP/1.1 201 "), answer
            assert json.loads(answer.partition(b"\r\n\r\n")[2])["position"] == number + 2
        poll = half_closed(service, f"GET /api/v1/events?after=11&wait=1 {head}\r\n")
        assert poll.startswith(b"HTTP/1.1 200 ")
        assert poll.endswith(b"0\r\n\r\n")
        half_closed(service, f"GET /api/v1/events/stream {head}\r\n")
        assert service.stop()[0] == 0
