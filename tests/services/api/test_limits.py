"""What takes too long is given up: real connections to a server in this process, whose limits are short."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from services.api import protocol, server, timeouts
from services.api.request_log import observed
from services.api.server import DrainingServer
from services.api.timeouts import limited
from tests.services.instance import listener

POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
SHORT = 0.3

PAUSES = {"/stuck": 60.0, "/work": SHORT / 3}
BODIES = {"/whole": [4_000_000], "/parts": [1_000_000] * 4, "/left": [50_000], "/work": []}


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeouts, "REQUEST_SECONDS", SHORT)
    monkeypatch.setattr(protocol, "ARRIVAL_SECONDS", SHORT)
    monkeypatch.setattr(protocol, "STUCK_SECONDS", SHORT)
    monkeypatch.setattr(server, "KEEP_ALIVE_SECONDS", SHORT)


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """`/` reads the request and answers, `/slow` takes its time, the other paths leave something out."""
    path = scope["path"]
    while path != "/refuse" and (await receive()).get("more_body"):
        pass
    if path in PAUSES:
        await asyncio.sleep(PAUSES[path])
    if path in BODIES:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for size in BODIES[path]:
            await send({"type": "http.response.body", "body": b"x" * size, "more_body": True})
        await send({"type": "http.response.body", "body": b"done"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(0 if path in ("/", "/refuse") else 12 if path == "/slow" else 10_000):
        await send({"type": "http.response.body", "body": b"x" * 100_000, "more_body": True})
        await asyncio.sleep({"/halting": 60, "/slow": SHORT / 3}.get(path, 0))
    await send({"type": "http.response.body", "body": b"done"})


Client = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def serve(client: Client, *, small: int = 0) -> list[tuple[str, int | None]]:
    """Run a client against the server; the answer is what was counted: (path, status).

    `small` is how many bytes wait on the way at most, if not as many as ever.
    """
    answered: list[tuple[str, int | None]] = []

    def count(scope: Scope, status: int | None, _seconds: float) -> None:
        answered.append((scope["path"], status))

    async def run() -> None:
        draining = DrainingServer(observed(limited(app), count))
        with listener() as sock:
            if small:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, small)
            serving = asyncio.create_task(draining.serve([sock.dup()]))
            await draining.serving.wait()
            connection = socket.socket()
            if small:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, small)
            connection.setblocking(False)
            await asyncio.get_running_loop().sock_connect(connection, sock.getsockname())
            reader, writer = await asyncio.open_connection(sock=connection, limit=1 << 22)
            await asyncio.wait_for(client(reader, writer), 10)
            writer.close()
            draining.stop()
            await asyncio.wait_for(serving, 10)

    asyncio.run(run())
    return answered


def problem(answer: bytes) -> dict[str, Any]:
    """The body of an answer that says that it is the last one."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head
    found: dict[str, Any] = json.loads(body)
    assert f"x-request-id: {found['request_id']}".encode() in head
    assert head.startswith(f"HTTP/1.1 {found['status']} ".encode())
    return found


def test_a_stuck_request(caplog: pytest.LogCaptureFixture) -> None:
    """Is answered with 503, said to be retried, and logged; the connection stays."""

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GET.replace(b" / ", b" /stuck "))
        answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 1" in answer
        await reader.readuntil(b"}\n")
        writer.write(GET)
        assert (await reader.readuntil(b"done")).startswith(b"HTTP/1.1 200 ")

    assert serve(client) == [("/stuck", 503), ("/", 200)]
    assert "request timed out after 0.3 s" in caplog.text


@pytest.mark.parametrize("drops", [False, True], ids=["stops", "drops"])
def test_a_slow_upload(drops: bool) -> None:
    """Is answered with 408 and cut, however it goes on."""

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(POST)
        reading = asyncio.create_task(reader.readuntil(b"}\n"))
        while drops and not reading.done():
            writer.write(b"x")
            await asyncio.wait([reading], timeout=SHORT / 6)
        assert problem(await reading)["status"] == 408
        with contextlib.suppress(ConnectionResetError):  # of drops that came after the end
            assert await reader.read() == b""

    assert serve(client) == [("/", 408)]


@pytest.mark.parametrize("begun", [b"G", GET[:-2], b"POST / HTTP/1.1\r\nX: "])
def test_slow_headers(begun: bytes) -> None:
    """Are answered with 408, before there is a request that anybody could answer."""

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(begun)
        assert problem(await reader.read())["status"] == 408

    assert serve(client) == []


def test_a_body_that_is_not_wanted_and_does_not_end() -> None:
    """Its caller has an answer, and then no connection."""

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(POST.replace(b" / ", b" /refuse "))
        answer = await reader.readuntil(b"done")
        assert answer.startswith(b"HTTP/1.1 200 ")
        for _ in range(40):
            if reader.at_eof() or reader.exception():
                return
            writer.write(b"x")
            await asyncio.sleep(SHORT / 6)
        raise AssertionError("it may go on for ever")

    assert serve(client) == [("/refuse", 200)]


def test_a_silent_connection() -> None:
    """Is closed without a word, as an idle one is."""

    async def client(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        assert await reader.read() == b""

    assert serve(client) == []


def test_an_answer_that_halts() -> None:
    """Is cut off, so that its caller notices; one that goes on slowly is not."""

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GET.replace(b" / ", b" /halting "))
        assert not (await reader.read()).endswith(b"0\r\n\r\n")

    assert serve(client) == [("/halting", 200)]

    async def patient(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GET.replace(b" / ", b" /slow "))
        assert (await reader.readuntil(b"done\r\n")).count(b"x" * 100_000) == 12

    assert serve(patient) == [("/slow", 200)]


def test_a_caller_who_does_not_take_the_answer(caplog: pytest.LogCaptureFixture) -> None:
    """Is cut off."""

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(GET.replace(b" / ", b" /endless "))
        await asyncio.sleep(4 * SHORT)
        writer.transport.resume_reading()  # type: ignore[attr-defined]
        with contextlib.suppress(ConnectionError):
            assert not (await reader.read()).endswith(b"0\r\n\r\n")

    assert serve(client, small=4096) == [("/endless", 200)]
    assert "the client does not read the answer" in caplog.text


@pytest.mark.parametrize(
    "text", [b"nonsense\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET \xff HTTP/1.1\r\n\r\n"]
)
def test_what_is_no_request(text: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """Is answered with a problem like any other, with an id, and has a line in the log."""
    caplog.set_level("INFO")

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(text)
        assert problem(await reader.read())["status"] == 400

    assert serve(client) == []
    assert [record.fields["status"] for record in caplog.records if record.message == "answered"] == [400]  # type: ignore[attr-defined]
