"""Recording messages and reading them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec
from msgspec.structs import asdict
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.api.bodies import KEY, WORDS, body, described, idempotency_key
from services.api.openapi import Operations, answer, members, operation
from services.api.pages import AFTER, LIMIT, answered, page
from services.api.responses import json_of
from services.api.things import ANY_THING, SOURCE, shown
from services.service import Service


class NewMessage(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a POST."""

    text: str


EXAMPLE = '{"text": "hello"}'

_MEMBERS: dict[str, dict[str, Any]] = {
    "position": {"type": "integer", "minimum": 1},
    "id": {"type": "string", "format": "uuid"},
    "time": {"type": "string", "format": "date-time"},
    "text": {"type": "string"},
    "source": {"type": "string"},
    "said_at": {"type": "string", "format": "date-time", "description": "When it was said."},
    "origin": {
        "type": ["object", "null"],
        "description": "Where it comes from, if through a chat: its sender, thread, links and so on.",
    },
}

MESSAGE = members(**_MEMBERS)

TOLD = members(
    **_MEMBERS,
    thing={
        "description": "What it was taken as, as that stands; null for a message that is nothing else.",
        "anyOf": [ANY_THING, {"type": "null"}],
    },
    undated={
        "description": "The words from `due` on, where it became a todo without a due time; else null.",
        "type": ["string", "null"],
    },
)

OPERATIONS: Operations = {
    "/api/v1/messages": {
        "get": operation(
            "read-messages",
            "The messages in the order in which they were recorded",
            {200: page("messages", MESSAGE, "after")},
            token=True,
            parameters=[AFTER, LIMIT],
        ),
        "post": operation(
            "record-message",
            "Keep a message, and what it means; both are durable when this is answered",
            {
                200: answer("A repeat: it was recorded before, and nothing was written.", TOLD),
                201: answer("It is recorded.", TOLD),
            },
            *(409, 413, 422),
            token=True,
            parameters=[KEY],
            requestBody=described({}, text=WORDS),
        ),
    }
}


def message_routes(service: Service) -> list[Route]:
    """`POST /api/v1/messages` and `GET /api/v1/messages`."""

    async def record(request: Request) -> Response:
        """201 when the message is durable. A repeat of an Idempotency-Key answers 200 with the same message:
        a status which says that nothing new was written. What it was taken as is shown as it stands now.
        """
        text = (await body(request, NewMessage, EXAMPLE)).text
        recorded = await service.tell(text, SOURCE, idempotency_key(request))
        thing = None if recorded.about is None else shown(await service.thing(recorded.about))
        status = HTTPStatus.OK if recorded.repeated else HTTPStatus.CREATED
        return json_of({**asdict(recorded.message), "thing": thing, "undated": recorded.undated}, status)

    async def messages(request: Request) -> Response:
        if request.method == "POST":
            return await record(request)
        return await answered(
            request, "messages", service.messages, lambda message: message.position, asdict, "after"
        )

    # One route for the path: a refused method is answered with all that are allowed.
    return [Route("/api/v1/messages", messages, methods=["GET", "POST"])]
