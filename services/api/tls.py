"""TLS between the socket of a connection and its protocol.

asyncio has TLS too. But it shows a connection only after the handshake, so that nothing bounds or drains one
before; it answers no caller that has ended its own side; and its close waits for the end of the caller. Here
the protocol has the connection from the start, as it has without TLS.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from http import HTTPStatus
from typing import Any, cast

from services.api.problems import problem

logger = logging.getLogger("helionyx")

RECORD = 16 * 1024
"""In bytes: the most that a record of TLS carries."""

PLAIN_HTTP = "HTTP_REQUEST"
"""OpenSSL's reason for a handshake that begins with an HTTP request."""


class TlsTransport(asyncio.Transport):
    """The connection as the protocol sees it: what it writes is encrypted."""

    def __init__(self, connection: TlsConnection, plain: asyncio.Transport) -> None:
        super().__init__({"sslcontext": connection.context, "ssl_object": connection.tls})
        self._connection = connection
        self._plain = plain

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Information about TLS or the socket. `arriving` is whether a part of something is here."""
        if name == "arriving":
            return self._connection.arriving
        own = super().get_extra_info(name)
        return self._plain.get_extra_info(name, default) if own is None else own

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Encrypt and send."""
        if not self._plain.is_closing():
            self._connection.write(data)

    def can_write_eof(self) -> bool:
        """Whether one side can be ended alone."""
        return self._plain.can_write_eof()

    def write_eof(self) -> None:
        """End the own side, and go on reading."""
        self._connection.say_goodbye()
        self._plain.write_eof()

    def close(self) -> None:
        """Send what waits and the end, and close without waiting for the end of the caller."""
        if not self._plain.is_closing():
            self._connection.say_goodbye()
            self._plain.close()

    def abort(self) -> None:
        """Close now."""
        self._plain.abort()

    def is_closing(self) -> bool:
        """Whether it is closed, or about to be."""
        return self._plain.is_closing()

    def get_write_buffer_size(self) -> int:
        """The bytes that wait here, encrypted."""
        return self._plain.get_write_buffer_size()

    def pause_reading(self) -> None:
        """Read no more for now."""
        self._connection.paused = True
        self._plain.pause_reading()

    def resume_reading(self) -> None:
        """Read on, beginning with what has arrived already."""
        self._connection.paused = False
        self._plain.resume_reading()
        asyncio.get_running_loop().call_soon(self._connection.feed)


class TlsConnection(asyncio.Protocol):
    """One connection: decrypts what arrives for `protocol`."""

    def __init__(self, protocol: asyncio.Protocol, context: ssl.SSLContext) -> None:
        self.context = context
        self.paused = False
        self._protocol = protocol
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._shaken = False
        """Whether the handshake is done."""
        self._silent = False
        """Whether the own side has ended."""
        self._ended = False
        """Whether the caller's side has ended."""
        self.arriving = False
        """Whether a part of a handshake or of a record has arrived, and not its end."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The handshake is still to come."""
        self._plain = cast(asyncio.Transport, transport)
        self._protocol.connection_made(TlsTransport(self, self._plain))

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass it on."""
        self._protocol.connection_lost(exc)

    def pause_writing(self) -> None:
        """Pass it on."""
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        """Pass it on."""
        self._protocol.resume_writing()

    def data_received(self, data: bytes) -> None:
        """Decrypt. Behind an end, nothing counts."""
        if not (self._ended or self._silent):
            self.arriving = True
            self._incoming.write(data)
            self.feed()

    def eof_received(self) -> bool:
        """Whether the connection stays open: the protocol may have an answer to send."""
        stays = self._end()
        if not stays:
            self.say_goodbye()
        return stays

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Encrypt and send, unless the own side has ended."""
        rest = memoryview(data)
        while rest and not self._silent:
            rest = rest[self.tls.write(rest) :]
        self._send()

    def say_goodbye(self) -> None:
        """Send the end of the own side, by which the caller knows that nothing is missing."""
        if self._shaken and not self._silent:
            self._silent = True
            with contextlib.suppress(ssl.SSLError):  # it waits for the other side's
                self.tls.unwrap()
            self._send()

    def feed(self) -> None:
        """Give the protocol what has arrived, as long as it takes it."""
        try:
            if not self._shaken:
                self.tls.do_handshake()
                self._shaken, self.arriving = True, False
            self._read()
        except ssl.SSLWantReadError:
            self._send()
        except ssl.SSLError as error:
            self._fail(error)

    def _read(self) -> None:
        while not (self.paused or self._ended or self._silent or self._plain.is_closing()):
            try:
                data = self.tls.read(RECORD)
            except ssl.SSLZeroReturnError:
                data = b""
            self._send()
            if data:
                self.arriving = False
                self._protocol.data_received(data)
            elif not self.eof_received():
                self._plain.close()

    def _end(self) -> bool:
        """Pass the end of the caller's side on, once. Returns whether the connection stays open."""
        if self._ended:
            return True
        self._ended = True
        return bool(self._protocol.eof_received())

    def _send(self) -> None:
        if self._outgoing.pending:
            self._plain.write(self._outgoing.read())

    def _fail(self, error: ssl.SSLError) -> None:
        """Close a connection on which something else than TLS arrives, with the alert of TLS for it."""
        logger.debug("connection closed: %s", (error.reason or "no TLS").lower().replace("_", " "))
        self._send()
        if error.reason == PLAIN_HTTP:
            self._plain.write(_refusal())
        self._plain.close()


def _refusal() -> bytes:
    """The answer to a plain HTTP request."""
    response = problem(
        HTTPStatus.BAD_REQUEST,
        "expected HTTPS, found a plain HTTP request",
        "the address begins with https://",
    )
    response.headers["connection"] = "close"
    head = b"".join(b"%b: %b\r\n" % header for header in response.raw_headers)
    return b"HTTP/1.1 400 Bad Request\r\n%b\r\n%b" % (head, bytes(response.body))
