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
from services.api.items import ITEM, shown
from services.api.kinds import SOURCE
from services.api.openapi import Operations, answer, operation
from services.api.origins import ORIGIN
from services.api.pages import AFTER, LIMIT, answered, page
from services.api.responses import json_of
from services.api.schemas import POSITION, members, moment, named, text
from services.service import Service


class NewMessage(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a POST."""

    text: str


EXAMPLE = '{"text": "hello"}'

_MEMBERS: dict[str, dict[str, Any]] = {
    "position": POSITION,
    "id": text("The id of the event.", format="uuid"),
    "time": moment("The time of recording."),
    "text": text("The text, as it was sent."),
    "source": text("The interface that it came by, such as `api` or `telegram`."),
    "said_at": moment("The time at which it was said; the time of recording where that is not known."),
    "origin": {
        "description": "Where the message comes from; null where it did not come through a chat.",
        "anyOf": [ORIGIN, {"type": "null"}],
    },
}

_MEANING: dict[str, dict[str, Any]] = {
    "thing": {
        "description": "The item that the message created or changed, as it is now; null where there is none."
        " Only in the answer to a new message.",
        "anyOf": [ITEM, {"type": "null"}],
    },
    "undated": {
        "type": ["string", "null"],
        "description": "The words from `due` on, where they gave the new todo no due time; else null."
        " Only in the answer to a new message.",
    },
}

MESSAGE = named(
    "Message",
    {
        **members(**_MEMBERS, **_MEANING),
        "required": list(_MEMBERS),
        "description": "A message.",
    },
)

OPERATIONS: Operations = {
    "/api/v1/messages": {
        "get": operation(
            "list-messages",
            "List messages",
            "The messages in the order in which they were recorded, page by page.",
            {200: page("messages", MESSAGE, "after")},
            410,
            tag="messages",
            token=True,
            parameters=[AFTER, LIMIT],
        ),
        "post": operation(
            "record-message",
            "Record a message",
            "A message such as `todo: buy milk #home` creates or changes an item as well. Answered when"
            " both are durable.",
            {
                200: answer("A repeat: the message as recorded before.", MESSAGE),
                201: answer("Recorded.", MESSAGE),
            },
            *(409, 413, 422),
            tag="messages",
            token=True,
            parameters=[KEY],
            requestBody=described(
                NewMessage,
                "A message to record.",
                EXAMPLE,
                {},
                text={**WORDS, "description": "The message."},
            ),
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
        item = None if recorded.about is None else shown(await service.item(recorded.about))
        status = HTTPStatus.OK if recorded.repeated else HTTPStatus.CREATED
        return json_of({**asdict(recorded.message), "thing": item, "undated": recorded.undated}, status)

    async def messages(request: Request) -> Response:
        if request.method == "POST":
            return await record(request)
        return await answered(
            request, "messages", service.messages, lambda message: message.position, asdict, "after"
        )

    # One route for the path: a refused method is answered with all that are allowed.
    return [Route("/api/v1/messages", messages, methods=["GET", "POST"])]
