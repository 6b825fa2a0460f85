"""What a request brings in its body and with its key, as values, and how that is described."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request

from services.api.openapi import members
from services.api.problems import ProblemError
from services.api.requests import body_of

T = TypeVar("T", bound=msgspec.Struct)

KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "With it the request can be sent again without being carried out twice.",
    "schema": {"type": "string", "pattern": "^[!-~]([ -~]{0,253}[!-~])?$"},
}

WORDS = {"type": "string", "pattern": r"\S"}
NAME = {**WORDS, "maxLength": 100}
TAG = {"type": "string", "pattern": r"^[^\W_][\w-]{0,49}$"}
TAGS = {"type": "array", "items": TAG, "maxItems": 20}
DUE = {
    "description": "A day, or a moment.",
    "anyOf": [
        {"type": "string", "format": "date"},
        {"type": "string", "format": "date-time"},
        {"type": "null"},
    ],
}
RATIONALE = {"anyOf": [WORDS, {"type": "null"}]}


def described(optional: Mapping[str, Mapping[str, Any]], **required: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a request, for its operation; one of which nothing is required may be left out."""
    schema = {**members(**required, **optional), "required": list(required)}
    return {"required": bool(required), "content": {"application/json": {"schema": schema}}}


async def body(request: Request, kind: type[T], example: str) -> T:
    """The body, as `kind`; one of which nothing is required may be empty. Raises ProblemError (400, 413, 422), which shows `example`."""
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
        return text if moment.tzinfo is None else f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (ValueError, OverflowError):
        return text
