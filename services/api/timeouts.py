"""Time limits of requests. `requests` has the limit of a body."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api.problems import problem, unfinished

logger = logging.getLogger("helionyx")

REQUEST_SECONDS = 30.0
"""Until an answer begins, its request being read included; then from one part of the answer to the next.

How long a part may wait to be taken is not counted: that is the caller's time, which `protocol` bounds.
"""

PART = 256 * 1024
"""In bytes. An answer is sent in parts that are no larger, so that it shows whether they are taken."""


def limited(app: ASGIApp) -> ASGIApp:
    """Let `app` give up requests that take too long."""

    async def limit(scope: Scope, receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        started = reading = False

        async def receive_limited() -> Message:
            nonlocal reading
            reading = True
            message = await receive()
            reading = False
            return message

        async def send_limited(message: Message) -> None:
            nonlocal started
            started = True
            for part in _parts(message):
                wait(None)
                await send(part)
                wait(loop.time() + REQUEST_SECONDS)

        def wait(until: float | None) -> None:
            if not deadline.expired():  # else this is the end already
                deadline.reschedule(until)

        deadline = asyncio.timeout(REQUEST_SECONDS)
        try:
            async with deadline:
                await app(scope, receive_limited, send_limited)
        except TimeoutError:
            if not deadline.expired():
                raise
            logger.warning("request timed out after %g s", REQUEST_SECONDS)
            # What has begun stays incomplete, and the server closes the connection.
            if not started:
                answer = _late() if reading else unfinished(f"no answer within {REQUEST_SECONDS:g} seconds")
                await answer(scope, receive, send)

    return limit


def _parts(message: Message) -> Iterator[Message]:
    body = message.get("body", b"")
    last = max(len(body) - 1, 0) // PART * PART
    for start in range(0, last, PART):
        yield {**message, "body": body[start : start + PART], "more_body": True}
    yield {**message, "body": body[last:]} if last else message


def _late() -> ASGIApp:
    return problem(
        HTTPStatus.REQUEST_TIMEOUT,
        f"expected the whole request within {REQUEST_SECONDS:g} seconds",
        headers={"Connection": "close"},
    )
