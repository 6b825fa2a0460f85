"""What a request brings: bounded bodies, numbers in the query."""

from __future__ import annotations

from http import HTTPStatus

from starlette.requests import Request

from services.api.problems import ProblemError

LARGEST_BODY = 64 * 1024
"""In bytes."""


async def body_of(request: Request) -> bytes:
    """The whole body. Raises ProblemError (413) for one that is larger than LARGEST_BODY."""
    length = request.headers.get("content-length", "0")
    body = bytearray()
    if int(length) <= LARGEST_BODY:
        async for chunk in request.stream():
            body += chunk
            if len(body) > LARGEST_BODY:
                break
        else:
            return bytes(body)
    # The server reads past the rest: to close now would reset the connection before the answer has arrived.
    raise ProblemError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"expected a body of at most {LARGEST_BODY} bytes"
    )


def number(request: Request, name: str, default: int, largest: int) -> int:
    """The query parameter `name`, a whole number from 0 to `largest`. Raises ProblemError (400)."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= largest):
        raise ProblemError(
            HTTPStatus.BAD_REQUEST,
            f"expected {name} to be a whole number from 0 to {largest}, found {text[:40]!r}",
        )
    return int(text)
