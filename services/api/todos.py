"""Todos."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.api.bodies import DUE, KEY, TAGS, WORDS, body, described, due_of, idempotency_key
from services.api.items import SCHEMAS, shown
from services.api.kinds import NUMBER, SOURCE, Change, Kind, Nothing, number_of, one_of, tags_of
from services.api.openapi import Operations, answer, operation
from services.api.responses import json_of
from services.domain import commands as c
from services.domain.items import TODO
from services.service import Service


class NewTodo(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a POST."""

    text: str
    due: str | None = None
    tags: tuple[str, ...] = ()


class NewDue(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a PUT."""

    due: str | None


class NewSnooze(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a POST that snoozes a todo."""

    until: str


EXAMPLE = '{"text": "buy milk", "due": "2026-02-11", "tags": ["home"]}'
DUE_EXAMPLE = '{"due": "2026-02-11"}'
SNOOZE_EXAMPLE = '{"until": "tomorrow"}'

KIND = Kind(
    TODO,
    NewTodo,
    lambda new: c.AddTodo(new.text, due_of(new.due), tags_of(new.tags), source=SOURCE),
    described(
        NewTodo,
        "A todo to add.",
        EXAMPLE,
        {"due": DUE, "tags": TAGS},
        text={**WORDS, "description": "The task."},
    ),
    EXAMPLE,
    (
        Change(
            "complete",
            "Complete a todo",
            "The todo must be open; else 409.",
            lambda item, _: c.CompleteTodo(item.position, source=SOURCE),
            Nothing,
        ),
        Change(
            "reopen",
            "Reopen a todo",
            "The todo must be done or cancelled; else 409.",
            lambda item, _: c.ReopenTodo(item.position, source=SOURCE),
            Nothing,
        ),
        Change(
            "cancel",
            "Cancel a todo",
            "The todo must be open; else 409.",
            lambda item, _: c.CancelTodo(item.position, source=SOURCE),
            Nothing,
        ),
        Change(
            "due",
            "Set or remove the due time of a todo",
            "The todo must be open; else 409.",
            lambda item, new: c.SetDue(item.position, due_of(new.due), source=SOURCE),
            NewDue,
            described(NewDue, "The due time of a todo.", DUE_EXAMPLE, {}, due=DUE),
            DUE_EXAMPLE,
            "put",
        ),
    ),
)

SNOOZE_PATH = f"{KIND.path}/{{number}}/snooze"

SNOOZE: Operations = {
    SNOOZE_PATH: {
        "post": operation(
            "snooze-todo",
            "Snooze a todo",
            "Counted from its due time, or from now if that has passed or there is none. The todo must be"
            " open; else 409.",
            {200: answer("The todo, with its new due time.", SCHEMAS[TODO])},
            *(404, 409, 413, 422),
            tag=KIND.plural,
            token=True,
            parameters=[NUMBER, KEY],
            requestBody=described(
                NewSnooze,
                "The time until which a todo is snoozed.",
                SNOOZE_EXAMPLE,
                {},
                until={
                    **WORDS,
                    "description": "Such as `1h`, `evening`, `tomorrow`, `weekend`, `next week` or any time"
                    " of the grammar; 422 for another text, and for a time that has passed.",
                },
            ),
        )
    }
}


def snooze_routes(service: Service) -> list[Route]:
    """`POST /api/v1/todos/{number}/snooze`."""

    async def handle(request: Request) -> Response:
        # Only here: it loads what reads dates.
        from services.snooze import snooze

        todo = await one_of(service, TODO, number_of(request))
        until = (await body(request, NewSnooze, SNOOZE_EXAMPLE)).until
        key = idempotency_key(request)
        return json_of(shown(await snooze(service, todo.position, until, SOURCE, datetime.now(UTC), key)))

    return [Route(SNOOZE_PATH, handle, methods=["POST"])]
