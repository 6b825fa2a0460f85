"""Parse bodies and idempotency keys of requests, and describe them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request

from services.api.problems import ProblemError
from services.api.requests import body_of
from services.api.schemas import Component, members, named
from services.dates import in_utc

T = TypeVar("T", bound=msgspec.Struct)

KEY = Component(
    "parameters",
    "Idempotency-Key",
    {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "A key of the caller's choice. A request that is sent again with the same key is"
        " carried out once.",
        "schema": {"type": "string", "pattern": "^[!-~]([ -~]{0,253}[!-~])?$"},
    },
)

WORDS = {"type": "string", "pattern": r"\S"}
NAME = {**WORDS, "maxLength": 100, "description": "The name of the track."}
TAG = {"type": "string", "pattern": r"^[^\W_][\w\u0300-\u036f-]{0,49}$"}
TAGS = {"type": "array", "items": TAG, "maxItems": 20, "description": "The tags, without `#`."}
DUE = {
    "description": "A day, a moment with its zone, or null for none.",
    "anyOf": [
        {"type": "string", "format": "date"},
        {"type": "string", "format": "date-time"},
        {"type": "null"},
    ],
}
RATIONALE = {"anyOf": [WORDS, {"type": "null"}], "description": "The reason, or null for none."}


def described(
    kind: type[msgspec.Struct],
    description: str,
    example: str,
    optional: Mapping[str, Mapping[str, Any]],
    **required: Mapping[str, Any],
) -> dict[str, Any]:
    """The body of a request, for its operation; one of which nothing is required may be left out.

    `example` is JSON.
    """
    schema = {**members(**required, **optional), "required": list(required), "description": description}
    content = {"schema": named(kind.__name__, schema), "example": msgspec.json.decode(example)}
    return {"required": bool(required), "content": {"application/json": content}}


async def body(request: Request, kind: type[T], example: str) -> T:
    """The body, as `kind`; one of which nothing is required may be empty.

    Raises ProblemError (400, 413, 422), which shows `example`.
    """
    hint = f"for example {example}"
    needs_nothing = len(kind.__struct_defaults__) == len(kind.__struct_fields__)
    try:
        return msgspec.json.decode(await body_of(request) or b"{}" * needs_nothing, type=kind)
    except msgspec.ValidationError as error:
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, str(error), hint) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProblemError(HTTPStatus.BAD_REQUEST, f"expected JSON: {error}", hint) from None


def idempotency_key(request: Request) -> str | None:
    """The key that the caller gives. Raises ProblemError (400)."""
    key = request.headers.get("idempotency-key")
    if key is not None and not (1 <= len(key) <= 255 and key.isascii() and key.isprintable()):
        raise ProblemError(HTTPStatus.BAD_REQUEST, "expected an Idempotency-Key of 1 to 255 ASCII characters")
    return key


def due_of(text: str | None) -> str | None:
    """A day as it is, and a moment with any zone in UTC; whatever is neither as it is, to be refused."""
    if text is None or len(text) <= len("2026-02-11"):
        return text
    try:
        moment = datetime.fromisoformat(text)
        return text if moment.tzinfo is None else in_utc(moment)
    except (ValueError, OverflowError):
        return text
