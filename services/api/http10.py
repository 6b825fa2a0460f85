"""Answers to requests of HTTP/1.0, which knows neither chunks nor 100 Continue (RFC 9112, section 6.1)."""

from __future__ import annotations

import contextlib
import socket
import struct

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle


class UnchunkedCycle(RequestResponseCycle):
    """A request and its answer, whose body ends with the connection where it has no Content-Length."""

    _unbounded = False

    @classmethod
    def take_over(cls, cycle: RequestResponseCycle) -> None:
        """Make `cycle`, whose answer has not begun, an UnchunkedCycle: uvicorn's class cannot be chosen."""
        cycle.__class__ = cls
        cycle.waiting_for_100_continue = False

    async def send(self, message: ASGISendEvent) -> None:
        """Send a part of the answer."""
        if message["type"] == "http.response.start":
            self._unbounded = all(name.lower() != b"content-length" for name, _ in message.get("headers", []))
            if self._unbounded:
                self.chunked_encoding = False
                self._reset_on_close(reset=True)
        elif message["type"] == "http.response.body" and self._unbounded:
            self.expected_content_length = len(message.get("body", b""))
            self._reset_on_close(reset=message.get("more_body", False))
        await super().send(message)

    def _reset_on_close(self, *, reset: bool) -> None:
        """Set whether a close resets the connection: only a reset shows the caller that the answer is cut."""
        connection = self.transport.get_extra_info("socket")
        with contextlib.suppress(OSError):  # it is closed
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", int(reset), 0))
