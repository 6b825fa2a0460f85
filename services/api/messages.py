"""Recording messages and reading them."""

from __future__ import annotations

from dataclasses import asdict
from http import HTTPStatus

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.api.openapi import Operations, answer, members, operation, query
from services.api.problems import ProblemError
from services.api.requests import LARGEST_POSITION, body_of, number
from services.api.responses import json_of
from services.service import Service

DEFAULT_LIMIT = 100
LARGEST_LIMIT = 1000

SOURCE = "api"


class NewMessage(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a POST."""

    text: str


MESSAGE = members(
    position={"type": "integer", "minimum": 1},
    id={"type": "string", "format": "uuid"},
    time={"type": "string", "format": "date-time"},
    text={"type": "string"},
    source={"type": "string"},
)

PAGE = members(
    messages={"type": "array", "items": MESSAGE},
    next={"type": ["integer", "null"], "description": "The `after` of the next page, null on the last one."},
)

KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "With it the message can be sent again without being kept twice.",
    "schema": {"type": "string", "pattern": "^[!-~]([ -~]{0,253}[!-~])?$"},
}

NEW = members(text={"type": "string", "pattern": r"\S"})

OPERATIONS: Operations = {
    "/api/v1/messages": {
        "get": operation(
            "read-messages",
            "The messages in the order in which they were recorded",
            {200: answer("One page of them.", PAGE)},
            token=True,
            parameters=[
                query("after", "Only what is behind this position.", 0, LARGEST_POSITION),
                query("limit", "At most so many, and fewer of large ones.", DEFAULT_LIMIT, LARGEST_LIMIT),
            ],
        ),
        "post": operation(
            "record-message",
            "Keep a message; it is durable when this is answered",
            {
                200: answer("A repeat: it was recorded before, and nothing was written.", MESSAGE),
                201: answer("It is recorded.", MESSAGE),
            },
            *(409, 413, 422),
            token=True,
            parameters=[KEY],
            requestBody={"required": True, "content": {"application/json": {"schema": NEW}}},
        ),
    }
}

_decoder = msgspec.json.Decoder(NewMessage)


def message_routes(service: Service) -> list[Route]:
    """`POST /api/v1/messages` and `GET /api/v1/messages`."""

    async def record(request: Request) -> Response:
        """201 when the message is durable. A repeat of an Idempotency-Key answers 200 with the first answer's
        body: the same words, and a status which says that nothing new was written.
        """
        text = _new_message(await body_of(request)).text
        recorded = await service.tell(text, SOURCE, _idempotency_key(request))
        status = HTTPStatus.OK if recorded.repeated else HTTPStatus.CREATED
        return json_of(recorded.message, status)

    async def read(request: Request) -> Response:
        """`next` is the `after` of the next page, or null where nothing is behind this one.

        A page is shorter than `limit` where it would be larger than memory should hold.
        """
        after = number(request, "after", 0, LARGEST_POSITION)
        limit = number(request, "limit", DEFAULT_LIMIT, LARGEST_LIMIT)
        messages = await service.messages(after, limit)
        end = messages[-1].position if messages else after
        following = end if await service.messages(end, 1) else None
        content = {"messages": [asdict(message) for message in messages], "next": following}
        return json_of(content)

    async def messages(request: Request) -> Response:
        return await (record(request) if request.method == "POST" else read(request))

    # One route for the path: a refused method is answered with all that are allowed.
    return [Route("/api/v1/messages", messages, methods=["GET", "POST"])]


def _new_message(body: bytes) -> NewMessage:
    example = 'for example {"text": "hello"}'
    try:
        return _decoder.decode(body)
    except msgspec.ValidationError as error:
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, str(error), example) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProblemError(HTTPStatus.BAD_REQUEST, f"expected JSON: {error}", example) from None


def _idempotency_key(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is not None and not (1 <= len(key) <= 255 and key.isascii() and key.isprintable()):
        raise ProblemError(HTTPStatus.BAD_REQUEST, "expected an Idempotency-Key of 1 to 255 ASCII characters")
    return key
