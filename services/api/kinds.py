"""The routes that todos, notes, tracks and decisions have in common: list, create, read and change."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import tzinfo
from http import HTTPStatus
from typing import Any

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.api.bodies import KEY, TAG, body, due_of, idempotency_key
from services.api.items import SCHEMAS, STATE_SCHEMAS, shown
from services.api.openapi import Operations, answer, located, operation, parameter
from services.api.pages import BEFORE, LIMIT, answered, page
from services.api.problems import ProblemError
from services.api.requests import LARGEST_POSITION
from services.api.responses import json_of
from services.api.schemas import Component
from services.domain.commands import Command
from services.domain.decisions import due_problem
from services.domain.due import Until, until_of
from services.domain.items import STATES, TODO, Item
from services.domain.tags import normal_tag, united
from services.projections import items
from services.refusals import MissingError
from services.service import Service

SOURCE = "api"

NUMBER = Component(
    "parameters",
    "number",
    {
        "name": "number",
        "in": "path",
        "required": True,
        "description": "The number of the item.",
        "schema": {"type": "integer", "minimum": 1, "maximum": LARGEST_POSITION},
    },
)


def number_of(request: Request) -> int:
    """The number in the path. Raises MissingError where it is none: nothing has such a number."""
    text = request.path_params["number"]
    if not re.fullmatch("[1-9][0-9]{0,18}", text) or int(text) > LARGEST_POSITION:
        raise MissingError(f"expected a number, found {text[:40]!r}")
    return int(text)


class Change(Struct, frozen=True):
    """Something that can be done with one of them."""

    verb: str
    summary: str
    description: str
    command: Callable[[Item, Any], Command]
    """Makes the command from the item and the body."""
    body: type[msgspec.Struct]
    request_body: Mapping[str, Any] | None = None
    """The description of the body, where there is one."""
    example: str = "{}"
    method: str = "post"


class Kind(Struct, frozen=True):
    """One kind of items in the API."""

    kind: str
    new: type[msgspec.Struct]
    command: Callable[[Any], Command]
    """Makes the command that creates an item from the body of its request."""
    request_body: Mapping[str, Any]
    """The description of that body."""
    example: str
    changes: tuple[Change, ...] = ()
    create: str = ""
    """Further notes for clients that create an item."""

    @property
    def plural(self) -> str:
        """The list's name."""
        return f"{self.kind}s"

    @property
    def path(self) -> str:
        """The path of the list."""
        return f"/api/v1/{self.plural}"


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """The empty body of a request whose path is enough."""


def operations(kind: Kind) -> Operations:
    """The OpenAPI description of a kind's routes."""
    one = SCHEMAS[kind.kind]
    paths = {
        kind.path: {
            "get": operation(
                f"list-{kind.plural}",
                f"List {kind.plural}",
                f"The {kind.plural} that match every filter, the newest first, page by page.",
                {200: page(kind.plural, one)},
                tag=kind.plural,
                token=True,
                parameters=[*_filters(kind.kind), BEFORE, LIMIT],
            ),
            "post": operation(
                f"create-{kind.kind}",
                f"Create a {kind.kind}",
                f"Answered when the {kind.kind} is durable. {kind.create}".strip(),
                {
                    200: answer(f"A repeat: the {kind.kind} exists already, as it is now.", one),
                    201: located(answer("Created.", one)),
                },
                *(409, 413, 422),
                tag=kind.plural,
                token=True,
                parameters=[KEY],
                requestBody=kind.request_body,
            ),
        },
        f"{kind.path}/{{number}}": {
            "get": operation(
                f"read-{kind.kind}",
                f"Read a {kind.kind}",
                f"The {kind.kind} with this number.",
                {200: answer(f"The {kind.kind}, as it is now.", one)},
                404,
                tag=kind.plural,
                token=True,
                parameters=[NUMBER],
            )
        },
    }
    for change in kind.changes:
        paths[f"{kind.path}/{{number}}/{change.verb}"] = {change.method: _change_operation(kind, change, one)}
    return paths


def _change_operation(kind: Kind, change: Change, schema: Component) -> dict[str, Any]:
    more = {"requestBody": change.request_body} if change.request_body else {}
    return operation(
        f"{change.verb}-{kind.kind}",
        change.summary,
        change.description,
        {200: answer(f"The {kind.kind}, as it is now.", schema)},
        *(404, 409, 413, 422),
        tag=kind.plural,
        token=True,
        parameters=[NUMBER, KEY],
        **more,
    )


def routes(kind: Kind, service: Service) -> list[Route]:
    """The list, a new one, one of them, and what can be done with it."""

    create = _creating(service, kind)

    async def many(request: Request) -> Response:
        states, tag = _states_of(request, kind.kind), _tag_of(request)
        due_until = _due_until_of(request, service.zone)

        async def read(before: int, limit: int) -> tuple[Item, ...]:
            return await service.look(
                lambda models: items.items(
                    models, kind.kind, before, limit, states=states, tag=tag, due_until=due_until
                )
            )

        return await answered(request, kind.plural, read, lambda item: item.position, shown)

    async def collection(request: Request) -> Response:
        return await (create if request.method == "POST" else many)(request)

    async def one(request: Request) -> Response:
        return json_of(shown(await one_of(service, kind.kind, number_of(request))))

    return [
        Route(kind.path, collection, methods=["GET", "POST"]),
        Route(f"{kind.path}/{{number}}", one, methods=["GET"]),
        *(_change_route(service, kind, change) for change in kind.changes),
    ]


def _change_route(service: Service, kind: Kind, change: Change) -> Route:
    path = f"{kind.path}/{{number}}/{change.verb}"
    return Route(path, _changing(service, kind.kind, change), methods=[change.method.upper()])


def tags_of(tags: tuple[str, ...]) -> tuple[str, ...]:
    """Tags as they are kept, each once; what cannot be one as it is, to be refused."""
    return united(normal_tag(tag) or tag for tag in tags)


async def one_of(service: Service, kind: str, number: int) -> Item:
    """The item of this kind with this number. Raises MissingError."""
    item = await service.item(number)
    if item.kind != kind:
        raise MissingError(f"there is no {kind} {number}", f"{number} is a {item.kind}")
    return item


def _creating(service: Service, kind: Kind) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        command = kind.command(await body(request, kind.new, kind.example))
        recorded = await service.record(command, idempotency_key(request))
        item = shown(await service.item(recorded.about or recorded.position))
        if recorded.repeated:
            return json_of(item)
        return json_of(item, HTTPStatus.CREATED, {"Location": f"{kind.path}/{item['number']}"})

    return handle


def _changing(service: Service, kind: str, change: Change) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        item = await one_of(service, kind, number_of(request))
        command = change.command(item, await body(request, change.body, change.example))
        await service.record(command, idempotency_key(request))
        return json_of(shown(await service.item(item.position)))

    return handle


def _filters(kind: str) -> list[dict[str, Any]]:
    states = {"type": "array", "items": STATE_SCHEMAS[kind]}
    description = f"Only {kind}s in this state; given several times, in one of these."
    parameters = [
        parameter("state", description, states, explode=True),
        parameter("tag", f"Only {kind}s with this tag.", TAG),
    ]
    if kind == TODO:
        due = {"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}]}
        description = "Only todos that are due before this day of the service's time zone, or moment."
        parameters.append(parameter("due_until", description, due))
    return parameters


def _states_of(request: Request, kind: str) -> tuple[str, ...]:
    states = request.query_params.getlist("state")
    for state in states:
        if state not in STATES[kind]:
            known = " or ".join(STATES[kind])
            raise ProblemError(HTTPStatus.BAD_REQUEST, f"expected state to be {known}, found {state[:40]!r}")
    return tuple(states)


def _tag_of(request: Request) -> str | None:
    text = request.query_params.get("tag")
    tag = None if text is None else normal_tag(text)
    if text is not None and tag is None:
        raise ProblemError(HTTPStatus.BAD_REQUEST, f"expected tag to be a tag, found {text[:60]!r}")
    return tag


def _due_until_of(request: Request, zone: tzinfo) -> Until | None:
    due = due_of(request.query_params.get("due_until"))
    problem = None if due is None else due_problem(due)
    if problem is not None:
        raise ProblemError(HTTPStatus.BAD_REQUEST, f"due_until: {problem.message}", problem.hint)
    return None if due is None else until_of(due, zone)
