"""HTTPS: the limits and the stop of a server count connections with TLS as others."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl

import pytest

from services.api import server
from services.api.server import DrainingServer
from tests.services.api.test_limits import GET, short
from tests.services.api.tls_server import (
    WORK,
    call,
    connected,
    received,
    serve,
    server_context,
    until,
)
from tests.services.certificates import trusting

__all__ = ["server_context", "short"]  # the limits are as short here


def test_a_caller_that_says_nothing_is_closed(context: ssl.SSLContext) -> None:
    """Before, in and after the handshake, as soon as without TLS."""

    def client(address: tuple[str, int]) -> None:
        with socket.create_connection(address, 5) as one, socket.create_connection(address, 5) as two:
            two.sendall(b"\x16\x03\x01\x02\x00\x01")  # the beginning of a ClientHello
            with connected(address) as three:
                assert received(one) == received(two) == received(three) == b""

    call(context, client)


def test_a_caller_that_does_not_read_is_cut(
    context: ssl.SSLContext, caplog: pytest.LogCaptureFixture
) -> None:
    """What waits here, encrypted, counts as what waits without TLS."""

    async def scenario(address: tuple[str, int], draining: DrainingServer) -> None:
        connection = await asyncio.to_thread(lambda: stack.enter_context(connected(address)))
        await asyncio.to_thread(connection.sendall, GET.replace(b" / ", b" /endless "))
        while draining.server_state.connections:
            await asyncio.sleep(0.02)

    with contextlib.ExitStack() as stack:
        serve(context, scenario)
    assert "the client does not read the answer" in caplog.text


def test_an_idle_connection_is_closed_in_a_stop(
    context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without waiting for the caller's end, which a pool of connections does not send."""
    monkeypatch.setattr(server, "IDLE_SECONDS", 0.1)
    monkeypatch.setattr(server, "KEEP_ALIVE_SECONDS", 30)

    async def scenario(address: tuple[str, int], draining: DrainingServer) -> None:
        connection = await asyncio.to_thread(lambda: stack.enter_context(connected(address)))
        await asyncio.to_thread(connection.sendall, GET)
        await asyncio.to_thread(until, connection, b"done\r\n0\r\n\r\n")
        begun = asyncio.get_running_loop().time()
        draining.stop()
        while draining.server_state.connections:
            await asyncio.sleep(0.01)
        assert asyncio.get_running_loop().time() - begun < 2
        assert received(connection) == b""

    with contextlib.ExitStack() as stack:
        serve(context, scenario)


def test_a_part_of_a_record_is_no_idle_connection(
    context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a stop the rest of a handshake or of a request is waited for."""
    monkeypatch.setattr(server, "IDLE_SECONDS", 0.05)
    monkeypatch.setattr(server, "KEEP_ALIVE_SECONDS", 30)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = trusting().wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")

    async def scenario(address: tuple[str, int], draining: DrainingServer) -> None:
        reader, writer = await asyncio.open_connection(*address)

        async def send_in_two() -> None:
            data = outgoing.read()
            writer.write(data[:20])
            while not draining.should_exit and not tls.version():
                await asyncio.sleep(0.01)
            await asyncio.sleep(4 * server.IDLE_SECONDS)
            writer.write(data[20:])

        draining_begins = asyncio.get_running_loop().call_later(0.05, draining.stop)
        done = False
        while not done:
            try:
                tls.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                await send_in_two()
                incoming.write(await reader.read(1 << 16))
        draining_begins.cancel()
        tls.write(WORK)
        await send_in_two()
        answer = b""
        while not answer.endswith(b"done\r\n0\r\n\r\n"):
            with contextlib.suppress(ssl.SSLWantReadError):
                answer += tls.read(1 << 16)
                continue
            data = await reader.read(1 << 16)
            assert data, "it was closed"
            incoming.write(data)
        writer.close()

    serve(context, scenario)


def test_the_limit_of_connections_counts_handshakes(
    context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the limit, a caller that says nothing gives way to a new one."""
    monkeypatch.setattr("services.api.connections.MOST", 8)
    monkeypatch.setattr(server, "KEEP_ALIVE_SECONDS", 30)

    def client(address: tuple[str, int]) -> None:
        with contextlib.ExitStack() as stack:
            silent = [stack.enter_context(socket.create_connection(address, 5)) for _ in range(8)]
            with connected(address) as connection:
                connection.sendall(GET)
                assert connection.recv(1 << 16).startswith(b"HTTP/1.1 200")
            assert silent[0].recv(1) == b""

    call(context, client)
