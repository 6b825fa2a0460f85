"""The drain step by step, in this process, with its times made longer or shorter."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import cast

import pytest
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from services.api import server
from services.api.server import DrainingServer, _is_idle
from tests.services.instance import listener

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Answers everything with 204."""
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def serve(sock: socket.socket, scenario: Callable[[DrainingServer], Awaitable[None]]) -> None:
    """Run a scenario beside a server on `sock`, and wait for the server's end."""

    async def run() -> None:
        draining = DrainingServer(app)
        serving = asyncio.create_task(draining.serve([sock]))
        await draining.serving.wait()
        await scenario(draining)
        draining.stop()
        await asyncio.wait_for(serving, 5)

    asyncio.run(run())


async def answered(port: int) -> bool:
    """Whether a new connection gets an answer soon."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(REQUEST)
    try:
        return (await asyncio.wait_for(reader.read(12), 0.2)) == b"HTTP/1.1 204"
    except TimeoutError:
        return False
    finally:
        writer.close()


def test_nothing_is_accepted_once_the_stop_has_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the very beginning of the stop, while the socket is still open."""
    monkeypatch.setattr(server, "ATTACH_SECONDS", 0.5)

    async def scenario(draining: DrainingServer) -> None:
        assert await answered(port)
        draining.stop()
        await asyncio.sleep(0.05)
        assert not await answered(port)

    with listener() as sock:
        port = sock.getsockname()[1]
        serve(sock.dup(), scenario)


def test_the_socket_is_closed_while_others_are_heard_out() -> None:
    """Where no other process has it, callers are refused at once, and do not wait for the end."""

    async def scenario(draining: DrainingServer) -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(REQUEST[:10])
        await asyncio.sleep(0.05)
        draining.stop()
        await asyncio.sleep(0.1)
        with pytest.raises(ConnectionRefusedError):
            await answered(port)
        writer.close()

    sock = listener()
    port = sock.getsockname()[1]
    serve(sock, scenario)


def test_the_grace_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who begins a request and never ends it is not waited for any longer than the grace."""
    monkeypatch.setattr(server, "GRACE_SECONDS", 0.3)

    async def scenario(draining: DrainingServer) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(REQUEST[:10])
        await asyncio.sleep(0.05)
        draining.stop()
        assert await asyncio.wait_for(reader.read(), 2) == b""
        writer.close()

    sock = listener()
    port = sock.getsockname()[1]
    serve(sock, scenario)


@pytest.mark.parametrize(
    ("scope", "cycle", "waiting", "idle"),
    [
        (None, None, b"", True),
        (None, None, b"G", False),
        ("first", None, b"", False),
        ("first", ("first", False), b"", False),
        ("first", ("first", True), b"", True),
        ("first", ("first", True), b"G", False),
        ("second", ("first", True), b"", False),
    ],
    ids=[
        "new",
        "spoken to",
        "headers arrive",
        "in work",
        "answered",
        "answered, spoken to",
        "next headers arrive",
    ],
)
def test_what_is_idle(scope: str | None, cycle: tuple[str, bool] | None, waiting: bytes, idle: bool) -> None:
    """A connection is idle if nothing has arrived that has no answer yet."""
    one, two = socket.socketpair()
    with one, two:
        two.sendall(waiting)
        protocol = SimpleNamespace(
            scope=scope,
            cycle=None if cycle is None else SimpleNamespace(scope=cycle[0], response_complete=cycle[1]),
            transport=SimpleNamespace(get_extra_info={"socket": one}.get),
        )
        assert _is_idle(cast(HttpToolsProtocol, protocol)) == idle
