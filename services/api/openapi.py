"""The OpenAPI description: the operations that routes describe themselves with, and the whole document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.api.responses import json_of
from services.api.schemas import LOCATION, PROBLEM, REQUEST_ID, Component, named

Operations = Mapping[str, Mapping[str, dict[str, Any]]]
"""Path -> method -> its operation in OpenAPI."""

ANYWHERE = (400, 403, 408, 421, 431, 500, 503)
"""The problems that any request may be answered with; 403 and 421 only where no token is needed."""

INTRODUCTION = """\
Keeps every message in an append-only event log, and derives todos, notes, tracks and decisions from it.

- **Token**: send `Authorization: Bearer` with the environment's `API_TOKEN` where an operation asks for it.
- **Errors** are problem details (RFC 9457): `detail` says what is wrong, `hint` what to do about it.
- **Repeats**: a change that is sent again with the same `Idempotency-Key` is carried out once.
- **Pages**: `next` is the cursor (`before` or `after`) of the following page, null on the last one.
- **Request id**: each answer has an `X-Request-Id`: the caller's, if it has 1 to 100 characters of
  `A-Z a-z 0-9 . _ : / + = @ -`, else a new one.
- **Compatibility**: later releases may add members to answers, and remove none. Ignore unknown members."""

TAGS = {
    "messages": "Record messages and read them.",
    "todos": "Add, list and change todos.",
    "notes": "Take and list notes.",
    "tracks": "Follow a subject over time, entry by entry.",
    "decisions": "Propose decisions, accept, reject and revisit them.",
    "tags": "Tag items, and count tags.",
    "search": "Search all texts, and count items and events.",
    "events": "Read and follow the event log.",
    "service": "Check the service: health, metrics, this description.",
}
"""The groups of operations, in the order in which they are shown."""


def operation(
    name: str,
    summary: str,
    description: str,
    answers: Mapping[int, dict[str, Any]],
    *problems: int,
    tag: str,
    token: bool,
    **more: Any,
) -> dict[str, Any]:
    """One method of a path. `problems` are the statuses that it has beside those of ANYWHERE."""
    conditional = [*([401] if token else []), *([415] if "requestBody" in more else [])]
    statuses = {*ANYWHERE, *problems, *conditional} - set(answers)
    responses = {**answers, **{status: _problem(HTTPStatus(status)) for status in statuses}}
    return {
        "operationId": name,
        "tags": [tag],
        "summary": summary,
        "description": description,
        "security": [{"token": []}] if token else [],
        "responses": {str(status): responses[status] for status in sorted(responses)},
        **more,
    }


def answer(description: str, schema: Mapping[str, Any], *content_types: str) -> dict[str, Any]:
    """An answer with a body of this schema: JSON, unless other content types are given."""
    return {
        "description": description,
        "headers": {"X-Request-Id": REQUEST_ID},
        "content": {kind: {"schema": schema} for kind in content_types or ("application/json",)},
    }


def located(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The answer with the path of what it created."""
    return {**answer, "headers": {**answer["headers"], "Location": LOCATION}}


@cache
def _problem(status: HTTPStatus) -> Component:
    name = status.phrase.replace(" ", "")
    return Component("responses", name, answer(f"{status.phrase}.", PROBLEM, "application/problem+json"))


def parameter(name: str, description: str, schema: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A parameter in the query, unless `more` has another place."""
    return {"name": name, "in": "query", "description": description, "schema": schema, **more}


def number_parameter(name: str, description: str, default: int | None, largest: int) -> dict[str, Any]:
    """A whole number in the query."""
    schema = {"type": "integer", "minimum": 0, "maximum": largest}
    return parameter(name, description, schema if default is None else {**schema, "default": default})


OPERATIONS: Operations = {
    "/openapi.json": {
        "get": operation(
            "describe",
            "Read this description",
            "The OpenAPI 3.1 document of this release.",
            {
                200: answer(
                    "The document.",
                    named("Description", {"type": "object", "description": "An OpenAPI document."}),
                )
            },
            tag="service",
            token=False,
        )
    }
}


def described_routes(operations: Iterable[Operations]) -> list[Route]:
    """`GET /openapi.json`, which describes `operations` and itself."""
    parts = [*operations, OPERATIONS]

    async def read(_request: Request) -> Response:
        return json_of(document(parts))

    return [Route("/openapi.json", read, methods=["GET"])]


def document(operations: Iterable[Operations]) -> dict[str, Any]:
    """The OpenAPI document that describes `operations`."""
    components: dict[str, dict[str, Any]] = {
        "securitySchemes": {
            "token": {"type": "http", "scheme": "bearer", "description": "The environment's API_TOKEN."}
        }
    }
    paths = {path: methods for part in operations for path, methods in part.items()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Helionyx", "version": "1", "description": INTRODUCTION},
        "servers": [{"url": "/", "description": "The service that this description comes from."}],
        "tags": [{"name": name, "description": description} for name, description in TAGS.items()],
        "paths": _referring(paths, components),
        "components": components,
    }


def _referring(part: Any, components: dict[str, dict[str, Any]]) -> Any:
    """`part` with a reference in place of each Component, which is added to `components`.

    Raises ValueError where two different ones have one name.
    """
    if isinstance(part, Component):
        content = _referring(dict(part), components)
        same = components.setdefault(part.section, {}).setdefault(part.name, content)
        if same != content:
            raise ValueError(f"two different {part.section} are named {part.name}")
        return {"$ref": f"#/components/{part.section}/{part.name}"}
    if isinstance(part, Mapping):
        return {name: _referring(value, components) for name, value in part.items()}
    if isinstance(part, list | tuple):
        return [_referring(value, components) for value in part]
    return part
