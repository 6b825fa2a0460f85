"""Around every request: its id, its line in the log, and the log of its errors."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import time
from collections.abc import Callable
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api.problems import log_once, unfinished
from services.event_log.errors import EventLogError
from services.logs import REQUEST_ID

logger = logging.getLogger("helionyx")

Answered = Callable[[Scope, int | None, float], None]
"""Called for each request with its scope, the status of its answer (None: it has none) and its seconds."""

PROBES = ("/health", "/health/ready")
"""The paths that health checks request all the time."""

HIDDEN = "/calendar/"
"""The beginning of the paths whose rest is a secret, which no log holds."""

_SANE = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,100}")


def observed(app: ASGIApp, answered: Answered) -> ASGIApp:
    """`app`, with an id for each request: the caller's X-Request-Id if it is sane, else a new one.

    The id is sent back, and is in every line that is logged on the way. No exception gets out of it.
    """

    async def observe(scope: Scope, receive: Receive, send: Send) -> None:
        request_id = _given(scope) or new_id()
        REQUEST_ID.set(request_id)
        status: int | None = None

        async def send_observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message.get("headers", []), (b"x-request-id", request_id.encode())]
                message = {**message, "headers": headers}
            await send(message)

        begun = time.perf_counter()
        try:
            await app(scope, receive, send_observed)
        except Exception as error:
            # An answer that had begun stays incomplete: the server closes the connection, so that it shows.
            # What is raised in it on purpose comes as the cause of what the framework says of that.
            if type(error.__cause__) is EventLogError:
                log_once(error.__cause__)
            else:
                logger.exception("a bug in the service")
        except asyncio.CancelledError:  # its time is over: raised on, it would be a bug to the server
            logger.warning("request cancelled: the service is stopping")
            if status is None:
                answer = unfinished("the service stopped before the request was done")
                await answer(scope, receive, send_observed)
        finally:
            seconds = time.perf_counter() - begun
            answered(scope, status, seconds)
            log_answer(scope["method"], scope["path"], status, seconds, scope.get("client"))

    return observe


def new_id() -> str:
    """An id for a request that brings none."""
    return os.urandom(8).hex()


def log_answer(
    method: str | None,
    path: str | None,
    status: int | None,
    seconds: float,
    client: tuple[str, int] | None,
) -> None:
    """Log one request. Its query is left out: it shows what somebody searched for.

    That the service said it is well, whoever asked, is worth a line to nobody but who looks for it.
    """
    if path is not None and path.startswith(HIDDEN):
        path = f"{HIDDEN}..."
    level = logging.INFO if status is not None and status < 500 else logging.WARNING
    if path in PROBES and status == HTTPStatus.OK:
        level = logging.DEBUG
    milliseconds = round(seconds * 1000, 2)
    fields: dict[str, object] = {
        "method": method,
        "path": path,
        "status": status,
        "milliseconds": milliseconds,
    }
    fields["client"] = client[0] if client else None  # a Unix socket has no address
    logger.log(level, "answered" if status else "not answered", extra={"fields": fields})


def _given(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            return value.decode() if _SANE.fullmatch(value) else None
    return None
