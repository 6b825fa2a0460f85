"""A server with TLS in this process, and callers of it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator

import pytest
from starlette.types import Receive, Scope, Send

from services.api.protocol import BoundedProtocol
from services.api.server import DrainingServer
from services.api.tls import TlsConnection
from services.certificate import load
from tests.services.api import test_limits
from tests.services.api.test_limits import GET
from tests.services.certificates import pair_in, trusting
from tests.services.instance import listener

WORK = GET.replace(b" / ", b" /work ")


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """`/scheme` and the length of a body at `/length`, else what the tests of the limits have."""
    if scope["path"] not in ("/scheme", "/length"):
        await test_limits.app(scope, receive, send)
        return
    length, more = 0, True
    while more:
        message = await receive()
        length, more = length + len(message.get("body", b"")), message.get("more_body", False)
    answer = scope["scheme"] if scope["path"] == "/scheme" else str(length)
    body = f"{answer} done".encode()
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]}
    )
    await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module", name="context")
def server_context(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """The TLS context of the server."""
    return load(pair_in(tmp_path_factory.mktemp("pair"))).context


Scenario = Callable[[tuple[str, int], DrainingServer], Awaitable[None]]


def serve(context: ssl.SSLContext, scenario: Scenario) -> None:
    """Run a scenario beside a server, which it may stop, and wait for the end of the server."""

    async def run() -> None:
        draining = DrainingServer(app, lambda **named: TlsConnection(BoundedProtocol(**named), context))
        with listener() as sock:
            serving = asyncio.create_task(draining.serve([sock.dup()]))
            await draining.serving.wait()
            await asyncio.wait_for(scenario(sock.getsockname(), draining), 10)
            draining.stop()
            await asyncio.wait_for(serving, 10)

    asyncio.run(run())


def call(context: ssl.SSLContext, client: Callable[[tuple[str, int]], None]) -> None:
    """Run a client that blocks, in a thread of its own."""

    async def scenario(address: tuple[str, int], _draining: DrainingServer) -> None:
        await asyncio.to_thread(client, address)

    serve(context, scenario)


@contextlib.contextmanager
def connected(address: tuple[str, int], context: ssl.SSLContext | None = None) -> Iterator[ssl.SSLSocket]:
    """A connection whose handshake is done. An end of TCP without one of TLS is an error."""
    with socket.create_connection(address, 5) as plain:
        secure = (context or trusting()).wrap_socket(
            plain, server_hostname="127.0.0.1", suppress_ragged_eofs=False
        )
        with secure:
            yield secure


def received(connection: socket.socket) -> bytes:
    """All that comes until the other side ends."""
    parts = []
    while part := connection.recv(1 << 16):
        parts.append(part)
    return b"".join(parts)


def until(connection: socket.socket, end: bytes) -> bytes:
    """All that comes until it ends so."""
    answer = b""
    while not answer.endswith(end):
        part = connection.recv(1 << 16)
        assert part, f"it was closed behind {answer!r}"
        answer += part
    return answer


def end_tcp(connection: ssl.SSLSocket) -> None:
    """End the caller's side of the connection below TLS, whose own `shutdown` would end TLS for both."""
    with socket.socket(fileno=os.dup(connection.fileno())) as below:
        below.shutdown(socket.SHUT_WR)
