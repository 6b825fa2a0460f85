"""Parse requests: bounded bodies, and numbers, times and types in the query."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from http import HTTPStatus

from starlette.requests import Request

from services.api.problems import ProblemError
from services.api.schemas import Component

LARGEST_BODY = 64 * 1024
"""In bytes."""

LARGEST_POSITION = 2**63 - 1

MOST_TYPES = 20
_TYPE = re.compile("[A-Za-z0-9_.-]{1,100}")

TYPES = Component(
    "parameters",
    "type",
    {
        "name": "type",
        "in": "query",
        "description": "Only events of this type; given several times, of one of these types.",
        "explode": True,
        "schema": {
            "type": "array",
            "items": {"type": "string", "pattern": f"^{_TYPE.pattern}$"},
            "maxItems": MOST_TYPES,
        },
    },
)
"""The query parameter of `types_of`."""


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
    return number_in(request.query_params.get(name), name, default, largest)


def number_in(text: str | None, name: str, default: int, largest: int) -> int:
    """A whole number from 0 to `largest`, `default` where there is no text. Raises ProblemError (400)."""
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= largest):
        raise _bad(name, f"a whole number from 0 to {largest}", text)
    return int(text)


def types_of(request: Request) -> tuple[str, ...] | None:
    """The query parameters `type`, None where there are none. Raises ProblemError (400)."""
    types = request.query_params.getlist("type")
    if len(types) > MOST_TYPES:
        raise _bad("type", f"at most {MOST_TYPES} times", str(len(types)))
    for text in types:
        if not _TYPE.fullmatch(text):
            raise _bad("type", "the type of an event", text)
    return tuple(types) or None


def time_of(request: Request, name: str) -> datetime | None:
    """The query parameter `name`, a moment, None where it is not given. Raises ProblemError (400)."""
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError(text)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _bad(name, "a time with its zone, as 2026-01-31T12:00:00Z or with %2B02:00", text) from None


def _bad(name: str, expected: str, actual: str) -> ProblemError:
    return ProblemError(HTTPStatus.BAD_REQUEST, f"expected {name} to be {expected}, found {actual[:40]!r}")
