"""What a connection may not do: stay for ever, bring a head without end, get an answer into another one."""

from __future__ import annotations

import asyncio
import socket

import pytest

from services.api import protocol
from tests.services.api.test_limits import GET, POST, SHORT, problem, serve, short

__all__ = ["short"]  # the limits are as short here

H2C = GET.replace(b"\r\n\r\n", b"\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")


async def ends(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, drop: bytes) -> None:
    """That the connection is closed while `drop` is said again and again."""
    for _ in range(40):
        if reader.at_eof() or reader.exception():
            return
        writer.write(drop)
        await asyncio.sleep(SHORT / 6)
    raise AssertionError("it may go on for ever")


@pytest.mark.parametrize("first", [b"", GET, POST.replace(b" / ", b" /refuse ") + b"x" * 100])
def test_blank_lines(first: bytes) -> None:
    """They begin no request, and keep no connection open: a new one, or one that has had an answer."""

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        if first:
            assert (await reader.readuntil(b"done\r\n0\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        await ends(reader, writer, b"\r\n")

    serve(client)


def test_a_body_that_comes_after_the_answer() -> None:
    """The connection is idle from the answer on, whatever is read past."""

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(POST.replace(b" / ", b" /refuse "))
        await reader.readuntil(b"done\r\n0\r\n\r\n")
        writer.write(b"x" * 100)
        assert await reader.read() == b""

    serve(client)


@pytest.mark.parametrize(
    ("begin", "more"),
    [(b"GET /", b"a" * 5000), (GET[:-2] + b"X: ", b"a" * 5000), (GET[:-2], b"X: a\r\n" * 800)],
    ids=["path", "header", "headers"],
)
def test_a_head_that_is_too_long(begin: bytes, more: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is answered with 431 before it ends, however it is made; one that is not too long is none of it."""
    monkeypatch.setattr(protocol, "ARRIVAL_SECONDS", 30.0)  # a busy machine may be slow to write it

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(begin)
        for _ in range(20):
            writer.write(more)
            await asyncio.sleep(0.005)
        assert problem(await reader.read())["status"] == 431

    assert serve(client) == []

    async def modest(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(POST + b"x" * 100)
        writer.write(GET[:-2] + 10 * (b"X: " + b"a" * 6000 + b"\r\n") + b"\r\n")
        for _ in range(2):
            assert (await reader.readuntil(b"done\r\n0\r\n\r\n")).startswith(b"HTTP/1.1 200 ")

    assert serve(modest) == [("/", 200), ("/", 200)]


@pytest.mark.parametrize("path", ["whole", "parts"])
def test_a_caller_who_takes_the_answer_slowly(path: str) -> None:
    """Is not cut while something is taken, however long the whole takes, in one piece or in many."""

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = writer.transport.get_extra_info("socket")
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(GET.replace(b" / ", b" /%s " % path.encode()))
        found = b""
        while not found.endswith(b"done"):
            await asyncio.sleep(SHORT / 6)
            try:
                part = socket.socket.recv(connection._sock, 80_000)
            except BlockingIOError:
                continue
            assert part, "it was cut"
            found += part
            found = found[-20:].rstrip(b"0\r\n")
        writer.transport.resume_reading()  # type: ignore[attr-defined]
        assert not reader.at_eof()

    assert serve(client, small=200_000) == [(f"/{path}", 200)]


def test_what_is_left_of_an_answer_that_closes(caplog: pytest.LogCaptureFixture) -> None:
    """Is not waited for for ever where nobody takes it."""

    async def client(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(b"GET /left HTTP/1.0\r\n\r\n")
        for _ in range(40):
            await asyncio.sleep(SHORT / 6)
            if "the client does not read the answer" in caplog.text:
                return
        raise AssertionError("it is waited for")

    assert serve(client, small=4096) == [("/left", 200)]


def test_nonsense_behind_an_answer_that_has_begun() -> None:
    """Does not get an answer into that one: the connection ends."""

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GET.replace(b" / ", b" /halting "))
        found = await reader.readuntil(b"x\r\n")
        writer.write(b"\x00nonsense\r\n\r\n")
        found += await reader.read()
        assert found.count(b"HTTP/1.1 ") == 1
        assert not found.endswith(b"0\r\n\r\n")

    assert serve(client) == [("/halting", 200)]


@pytest.mark.parametrize("bad", [b"\x00nonsense\r\n\r\n", b"GET /" + b"a" * 200_000], ids=["400", "431"])
def test_nonsense_behind_a_request_in_work(bad: bytes) -> None:
    """That one is answered first, and it alone."""

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GET.replace(b" / ", b" /work ") + bad)
        found = await reader.read()
        assert found.startswith(b"HTTP/1.1 200 ")
        assert found.endswith(b"done\r\n0\r\n\r\n")

    assert serve(client) == [("/work", 200)]


def test_another_protocol() -> None:
    """Is not spoken: what asks for it is answered as it is, and so is what comes behind it."""

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(H2C + GET + H2C)
        writer.write(GET)
        for _ in range(4):
            assert (await reader.readuntil(b"done\r\n0\r\n\r\n")).startswith(b"HTTP/1.1 200 ")

    assert serve(client) == [("/", 200)] * 4
