"""uvicorn's HTTP connection, bounded in time and size; with problems as answers where nothing sees a request.

uvicorn bounds how long a connection may be idle between two requests. Here are bounded as well: one on which
nothing was ever said, a request that arrives in drops, how long its head may be, and a caller who does not
take what was asked for. How many connections there may be, `connections` says.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import struct
import termios
import time
from http import HTTPStatus
from typing import Any, cast

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from services.api.connections import Connections, Rank
from services.api.http10 import UnchunkedCycle
from services.api.problems import problem
from services.api.request_log import log_answer, new_id
from services.logs import REQUEST_ID

logger = logging.getLogger("helionyx")

ARRIVAL_SECONDS = 30.0
"""From a request's first byte to its last."""

STUCK_SECONDS = 30.0
"""For which a caller takes nothing of what waits to be sent."""

HURRIED_SECONDS = 3.0
"""The same while the server stops."""

LINGER_SECONDS = 1.0
"""The time for the caller to read a refusal and to close the connection."""

LARGEST_HEAD = 64 * 1024
"""In bytes: a request's line and its headers. What is longer by less than two PARTs may still get through."""

FOLLOWS = "follows"
"""In the state of a request whose answer goes on as long as the caller is there."""

PART = 16 * 1024
"""In how large parts the parser is given what arrives, so that the length of a head is noticed in time."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._held = cast(Connections, self.server_state)
        self._arriving: asyncio.TimerHandle | None = None
        self._writing: asyncio.TimerHandle | None = None
        self._begun = 0.0
        self._head: int | None = None
        """The length of the head that arrives; None between heads."""
        self._deaf = False
        """Whether nothing is understood any more of what comes."""
        self._left = 0
        """The bytes that waited to be taken at the last check."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Until something is said, it is idle."""
        super().connection_made(transport)
        if not self._held.admit(self):
            return
        self._held.waits(self, Rank.SILENT)
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._held.goes_on(self)
        for timer in (self._arriving, self._writing):
            if timer is not None:
                timer.cancel()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Not every byte begins a request, as uvicorn thinks: one may send blank lines for ever."""
        for start in range(0, len(data), PART):
            if self._deaf or self.transport.is_closing():
                return
            before, part = self.scope, data[start : start + PART]
            self._feed(part)
            if self._head is not None and self.scope is before:
                self._head += len(part)
                if self._head > LARGEST_HEAD:
                    status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
                    self._refuse(
                        status, f"expected a request line and headers of at most {LARGEST_HEAD} bytes"
                    )

    def _feed(self, data: bytes) -> None:
        while data:
            try:
                self.parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as upgrade:
                # It is answered as if it had not asked for another protocol, and so is what comes behind it.
                data = data[upgrade.args[0] :]
            except httptools.HttpParserError:
                self._refuse(HTTPStatus.BAD_REQUEST, "expected an HTTP/1.1 request")
                return

    def eof_received(self) -> bool:  # type: ignore[override]
        """Whether the connection stays open once the caller sends no more: to answer what has arrived whole.

        A caller may have shut down its writing side alone. Whoever follows the log is let go: one that has
        left looks the same, and would be followed up to the next record.
        """
        cycle = self.cycle
        if self._deaf or self.scope is None:
            return False
        begun = cycle is None or cycle.scope is not self.scope
        if begun or (cycle.more_body and not cycle.response_complete):
            self._refuse(HTTPStatus.BAD_REQUEST, "the request ended before it was complete")
            return cycle is not None and not (cycle.disconnected or cycle.response_complete)
        if cycle.response_complete or cycle.scope["state"].get(FOLLOWS):
            return False
        cycle.keep_alive = False
        return True

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self._unset_keepalive_if_required()
        self._begun = time.perf_counter()
        self._head = 0
        self._arriving = self.loop.call_later(ARRIVAL_SECONDS, self._late)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header. The spaces behind a value are no part of it (RFC 9112, section 5.1)."""
        super().on_header(name, value.rstrip(b" \t"))

    def on_headers_complete(self) -> None:
        """Now it is a request."""
        self._head = None
        super().on_headers_complete()
        if self.scope["http_version"] == "1.0":
            UnchunkedCycle.take_over(self.cycle)
        self._held.goes_on(self)

    def on_message_complete(self) -> None:
        """The last byte."""
        super().on_message_complete()
        if self._arriving is not None:
            self._arriving.cancel()

    def on_response_complete(self) -> None:
        """The next request may come, or what is left is sent and the connection ends."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._watch()
        elif self.timeout_keep_alive_task is not None:
            self._held.waits(self, Rank.IDLE)
            self._left = self._unsent()

    def pause_writing(self) -> None:
        """The caller takes less than is sent."""
        super().pause_writing()
        self._held.waits(self, Rank.UNREAD)
        self._watch()

    def resume_writing(self) -> None:
        """The caller has taken most of it."""
        super().resume_writing()
        if self.cycle is None or not self.cycle.response_complete:
            self._held.goes_on(self)
        if self._writing is not None and not self.transport.is_closing():
            self._writing.cancel()

    def hurry(self) -> None:
        """The server stops: a caller that takes nothing gets less time."""
        if self.flow.write_paused or self.transport.get_write_buffer_size():
            self._watch()

    def timeout_keep_alive_handler(self) -> None:
        """First comes what waits to be sent, while any of it is taken: closing alone would wait for ever."""
        unsent = self._unsent()
        if 0 < unsent < self._left:
            self._left = unsent
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )
            return
        if unsent:
            self.transport.abort()
        super().timeout_keep_alive_handler()

    def _watch(self) -> None:
        """See to it that something is taken of what waits to be sent."""
        if self._writing is not None:
            self._writing.cancel()
        self._left = self._unsent()
        seconds = HURRIED_SECONDS if self._held.hurried else STUCK_SECONDS
        self._writing = self.loop.call_later(seconds, self._look)

    def _look(self) -> None:
        if self._unsent() < self._left:
            self._watch()
        else:
            self.cut("the client does not read the answer")

    def _unsent(self) -> int:
        """The bytes that the other side has not taken yet: those here, and those in the socket."""
        size = self.transport.get_write_buffer_size()
        try:
            descriptor = self.transport.get_extra_info("socket").fileno()
            return size + int(struct.unpack("i", fcntl.ioctl(descriptor, termios.TIOCOUTQ, bytes(4)))[0])
        except (OSError, ValueError):  # it is closed
            return size

    def _late(self) -> None:
        # A request gets its scope with the first byte, and its cycle when its headers are complete.
        cycle = self.cycle
        if cycle is not None and cycle.scope is self.scope:
            if cycle.response_complete:  # what is read past was refused or not wanted
                self.cut("the client does not end its body")
            return  # else `limits` answers it
        if cycle is not None and not cycle.response_complete:  # the answer before it comes first
            self._arriving = self.loop.call_later(ARRIVAL_SECONDS, self._late)
            return
        self._refuse(
            HTTPStatus.REQUEST_TIMEOUT, f"expected the whole request within {ARRIVAL_SECONDS:g} seconds"
        )

    def cut(self, why: str) -> None:
        """End it as it is."""
        logger.warning("connection closed: %s", why)
        self.transport.abort()

    def _refuse(self, status: HTTPStatus, message: str) -> None:
        """Answer what the application never sees, and close the connection. What comes now is not heard."""
        self._deaf = True
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            self._answer(status, message)
        elif cycle.response_started:  # nothing else may get into its answer
            self.transport.close()
            self._watch()
        elif cycle.more_body and not self.pipeline:  # what is wrong is its own body
            self._answer(status, message)
        else:  # the requests before it are answered, and then the connection ends
            cycle.keep_alive = False

    def _answer(self, status: HTTPStatus, message: str) -> None:
        seconds = time.perf_counter() - self._begun if self._begun else 0.0
        request_id = new_id()
        before = REQUEST_ID.set(request_id)
        try:
            response = problem(status, message, headers={"X-Request-Id": request_id, "Connection": "close"})
            log_answer(None, None, status, seconds, self.client)
        finally:
            REQUEST_ID.reset(before)
        headers = [*self.server_state.default_headers, *response.raw_headers]
        head = b"".join(b"%b: %b\r\n" % header for header in headers)
        body = cast(bytes, response.body)
        self.transport.write(b"%b%b\r\n%b" % (STATUS_LINE[status], head, body))
        if self.cycle is not None:  # nothing else is to be said, and the application need not wait for more
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        # Closed at once, the connection would be reset under a caller who still speaks and has not read this.
        if self.transport.can_write_eof():
            self.transport.write_eof()
        if self._arriving is not None:
            self._arriving.cancel()
        self._arriving = self.loop.call_later(LINGER_SECONDS, self.transport.abort)
