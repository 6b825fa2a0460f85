"""How long a request may take. How large its body may be, `requests` says."""

from __future__ import annotations

import asyncio
import logging
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api.problems import problem

logger = logging.getLogger("helionyx")

REQUEST_SECONDS = 30.0
"""Until an answer begins, its request being read included; then from one part of the answer to the next."""


def limited(app: ASGIApp) -> ASGIApp:
    """`app`, whose requests are given up when they take too long."""

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
            await send(message)
            if message.get("more_body"):
                deadline.reschedule(loop.time() + REQUEST_SECONDS)

        deadline = asyncio.timeout(REQUEST_SECONDS)
        try:
            async with deadline:
                await app(scope, receive_limited, send_limited)
        except TimeoutError:
            if not deadline.expired():
                raise
            logger.warning("given up after %g s", REQUEST_SECONDS)
            # What has begun stays incomplete, and the server closes the connection.
            if not started:
                await (_late() if reading else _stuck())(scope, receive, send)

    return limit


def _late() -> ASGIApp:
    return problem(
        HTTPStatus.REQUEST_TIMEOUT,
        f"expected the whole request within {REQUEST_SECONDS:g} seconds",
        headers={"Connection": "close"},
    )


def _stuck() -> ASGIApp:
    return problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        f"the service has not come to an answer within {REQUEST_SECONDS:g} seconds",
        "what was to be recorded may be or become so: send it again with the same Idempotency-Key",
        {"Retry-After": "1"},
    )
