"""uvicorn's HTTP connection, bounded in time, with problems for answers where nothing else sees a request.

uvicorn bounds how long a connection may be idle between two requests. Here are bounded as well: one on which
nothing was ever said, a request that arrives in drops, and a caller who does not take what was asked for.
"""

from __future__ import annotations

import asyncio
import logging
import time
from http import HTTPStatus
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from services.api.access import log_answer, new_id
from services.api.problems import problem
from services.logs import REQUEST_ID

logger = logging.getLogger("helionyx")

ARRIVAL_SECONDS = 30.0
"""From a request's first byte to its last."""

STUCK_SECONDS = 30.0
"""For which a caller takes nothing of what waits to be sent."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._arriving: asyncio.TimerHandle | None = None
        self._writing: asyncio.TimerHandle | None = None
        self._begun = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Until something is said, it is idle."""
        super().connection_made(transport)
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        for timer in (self._arriving, self._writing):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self._begun = time.perf_counter()
        self._arriving = self.loop.call_later(ARRIVAL_SECONDS, self._late)

    def on_message_complete(self) -> None:
        """The last one."""
        super().on_message_complete()
        if self._arriving is not None:
            self._arriving.cancel()

    def pause_writing(self) -> None:
        """The caller takes less than is sent."""
        super().pause_writing()
        self._writing = self.loop.call_later(STUCK_SECONDS, self._cut, "its answer is not taken")

    def resume_writing(self) -> None:
        """The caller has taken most of it."""
        super().resume_writing()
        if self._writing is not None:
            self._writing.cancel()

    def timeout_keep_alive_handler(self) -> None:
        """What has not been taken after that time never will: closing alone would wait for it for ever."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        super().timeout_keep_alive_handler()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - it says no more than the status
        """Answer what is no request."""
        self._refuse(HTTPStatus.BAD_REQUEST, "expected an HTTP/1.1 request")

    def _late(self) -> None:
        # A request gets its scope with the first byte, and its cycle when its headers are complete.
        cycle = self.cycle
        if cycle is not None and cycle.scope is self.scope:
            if cycle.response_complete:  # what is read past was refused or not wanted
                self._cut("its body does not end")
            return  # else `limits` answers it
        if cycle is not None and not cycle.response_complete:  # the answer before it comes first
            self._arriving = self.loop.call_later(ARRIVAL_SECONDS, self._late)
            return
        self._refuse(
            HTTPStatus.REQUEST_TIMEOUT, f"expected the whole request within {ARRIVAL_SECONDS:g} seconds"
        )

    def _cut(self, why: str) -> None:
        logger.warning("a connection is cut: %s", why)
        self.transport.abort()

    def _refuse(self, status: HTTPStatus, message: str) -> None:
        """Answer what the application never sees, and close the connection."""
        seconds = time.perf_counter() - self._begun if self._begun else 0.0
        request_id = new_id()
        before = REQUEST_ID.set(request_id)
        try:
            response = problem(status, message, headers={"X-Request-Id": request_id, "Connection": "close"})
            log_answer(None, None, status, seconds)
        finally:
            REQUEST_ID.reset(before)
        headers = [*self.server_state.default_headers, *response.raw_headers]
        head = b"".join(b"%b: %b\r\n" % header for header in headers)
        body = cast(bytes, response.body)
        self.transport.write(b"%b%b\r\n%b" % (STATUS_LINE[status], head, body))
        self.transport.close()
