"""HTTPS: on a connection with TLS everything holds that holds without."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import struct
from typing import cast

import pytest

from services.api.tls import TlsConnection
from tests.services.api.test_limits import GET, POST, problem, short
from tests.services.api.tls_server import (
    WORK,
    call,
    connected,
    end_tcp,
    received,
    server_context,
    until,
)
from tests.services.certificates import trusting

__all__ = ["server_context", "short"]  # the limits are as short here


def test_the_application_knows_that_it_is_https(context: ssl.SSLContext) -> None:
    """And the caller gets HTTP/1.1, whatever else it offers."""

    def client(address: tuple[str, int]) -> None:
        with connected(address) as connection:
            assert connection.selected_alpn_protocol() == "http/1.1"
            assert connection.version() == "TLSv1.3"
            for _ in range(2):
                connection.sendall(GET.replace(b" / ", b" /scheme "))
                assert until(connection, b"done").endswith(b"\r\n\r\nhttps done")

    call(context, client)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize(
    ("version", "answered"),
    [(ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True)],
)
def test_old_versions_of_tls_are_refused(
    context: ssl.SSLContext, version: ssl.TLSVersion, answered: bool
) -> None:
    """By an alert, which says why."""
    offered = trusting()
    offered.set_ciphers("ALL:@SECLEVEL=0")
    offered.minimum_version = offered.maximum_version = version

    def client(address: tuple[str, int]) -> None:
        refusal = (
            contextlib.nullcontext() if answered else pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION")
        )
        with refusal, connected(address, offered) as connection:
            connection.sendall(WORK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            assert received(connection).endswith(b"done\r\n0\r\n\r\n")

    call(context, client)


@pytest.mark.parametrize("text", [GET, b"\r\n\r\n", b"\0" * 5000, b"SSH-2.0-OpenSSH_9.2\r\n"])
def test_what_is_no_tls_ends_the_connection(
    context: ssl.SSLContext, text: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """At once, and without a line in the log; a plain HTTP request is told what to send."""

    def client(address: tuple[str, int]) -> None:
        with socket.create_connection(address, 5) as connection:
            connection.sendall(text)
            answer = received(connection)
        if text == GET:
            head, _, body = answer.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
            assert b"connection: close" in head
            assert json.loads(body)["detail"] == "expected HTTPS, found a plain HTTP request"

    call(context, client)
    assert caplog.text == ""


def test_large_bodies_and_answers(context: ssl.SSLContext) -> None:
    """Arrive whole: they are larger than what is read, written and buffered at once."""

    def client(address: tuple[str, int]) -> None:
        body = b"x" * 3_000_000
        with connected(address) as connection:
            head = POST.replace(b" / ", b" /length ").replace(b": 100", b": %d" % len(body))
            connection.sendall(head + body)
            assert until(connection, b"done").endswith(b"\r\n\r\n3000000 done")
            connection.sendall(
                GET.replace(b" / ", b" /parts ").replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
            )
            assert received(connection).count(b"x") == 4_000_000

    call(context, client)


@pytest.mark.parametrize(
    ("text", "answers"), [(WORK, 1), (WORK + GET, 2), (POST.replace(b" / ", b" /work ") + b"x" * 100, 1)]
)
@pytest.mark.parametrize("ends", ["TLS", "TCP"])
def test_a_caller_that_ends_its_side_is_answered(
    context: ssl.SSLContext, text: bytes, answers: int, ends: str
) -> None:
    """Whether it ends TLS, or the connection below."""

    def client(address: tuple[str, int]) -> None:
        with connected(address) as connection:
            connection.sendall(text)
            if ends == "TLS":
                connection.setblocking(False)
                with contextlib.suppress(ssl.SSLWantReadError):
                    connection.unwrap()
                connection.settimeout(5)
            else:
                end_tcp(connection)
            answer = b""
            with contextlib.suppress(ssl.SSLError):
                while part := connection.recv(1 << 16):
                    answer += part
            assert answer.count(b"HTTP/1.1 200") == answers

    call(context, client)


def test_a_part_of_a_request_at_an_end_is_refused(context: ssl.SSLContext) -> None:
    """With an answer."""

    def client(address: tuple[str, int]) -> None:
        with connected(address) as connection:
            connection.sendall(POST + b"x")
            end_tcp(connection)
            assert problem(received(connection))["detail"] == "the request ended before it was complete"

    call(context, client)


def test_a_refusal_reaches_a_caller_that_goes_on(context: ssl.SSLContext) -> None:
    """The own side ends behind it, and what comes still is read past."""

    def client(address: tuple[str, int]) -> None:
        with connected(address) as connection:
            connection.sendall(b"no request\r\n\r\n")
            assert problem(received(connection))["status"] == 400
            connection.sendall(GET)

    call(context, client)


def test_a_reset_in_the_middle_is_quiet(context: ssl.SSLContext, caplog: pytest.LogCaptureFixture) -> None:
    """In a handshake, and behind it."""

    def client(address: tuple[str, int]) -> None:
        reset = struct.pack("ii", 1, 0)
        for hello in (b"\x16\x03\x01", b""):
            with socket.create_connection(address, 5) as plain:
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
                plain.sendall(hello)
        with connected(address) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
            connection.sendall(GET.replace(b" / ", b" /parts "))

    call(context, client)
    assert [record.message for record in caplog.records if record.levelname != "INFO"] == []


class Pausing(asyncio.Protocol):
    """Takes one part of what arrives, and no more until it is told to."""

    def __init__(self) -> None:
        self.received: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.received.append(data)
        self.transport.pause_reading()


class Wire(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


def test_a_protocol_that_pauses_gets_nothing_more(context: ssl.SSLContext) -> None:
    """Of what is here and not decrypted yet; once it goes on, it gets all."""
    protocol, wire = Pausing(), Wire()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    caller = trusting().wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")

    async def run() -> None:
        connection = TlsConnection(protocol, context)
        connection.connection_made(wire)
        for _ in range(2):
            with contextlib.suppress(ssl.SSLWantReadError):
                caller.do_handshake()
            connection.data_received(outgoing.read())
            incoming.write(wire.written)
            wire.written = b""
        for part in (b"one", b"two", b"three"):
            caller.write(part)
        connection.data_received(outgoing.read())
        assert protocol.received == [b"one"]
        for expected in ([b"one", b"two"], [b"one", b"two", b"three"]):
            protocol.transport.resume_reading()
            await asyncio.sleep(0)
            assert protocol.received == expected

    asyncio.run(run())


def test_what_comes_behind_an_end_takes_no_memory(context: ssl.SSLContext) -> None:
    """A caller that has ended its side may go on to send while its request is answered."""
    connection = TlsConnection(asyncio.Protocol(), context)
    connection._ended = True
    connection.data_received(b"x" * 100_000)
    assert connection._incoming.pending == 0
