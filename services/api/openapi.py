"""The description of the interface: the parts that routes describe themselves with, and the whole of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.api.responses import json_of

Operations = Mapping[str, Mapping[str, dict[str, Any]]]
"""Path -> method -> what OpenAPI says about it."""

ANYWHERE = (400, 408, 431, 500, 503)
"""The problems that any request may be answered with."""

PROBLEM = {
    "type": "object",
    "description": "What is wrong (RFC 9457).",
    "required": ["type", "title", "status", "detail", "request_id"],
    "properties": {
        "type": {"type": "string", "const": "about:blank"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What was expected, and what was found."},
        "hint": {"type": "string", "description": "What to do about it."},
        "request_id": {"type": "string", "description": "Under which the service's log says more."},
    },
}


def operation(
    name: str, summary: str, answers: Mapping[int, dict[str, Any]], *problems: int, token: bool, **more: Any
) -> dict[str, Any]:
    """One method of a path. `problems` are the statuses that it has beside those of ANYWHERE."""
    statuses = sorted({*ANYWHERE, *problems, *([401] if token else [])} - set(answers))
    responses = {**answers, **{status: {"$ref": f"#/components/responses/{status}"} for status in statuses}}
    return {
        "operationId": name,
        "summary": summary,
        "security": [{"token": []}] if token else [],
        "responses": {str(status): responses[status] for status in sorted(responses)},
        **more,
    }


def answer(
    description: str, schema: Mapping[str, Any], content_type: str = "application/json"
) -> dict[str, Any]:
    """An answer with a body that `schema` describes."""
    return {**_headers(description), "content": {content_type: {"schema": schema}}}


def text(description: str, *content_types: str) -> dict[str, Any]:
    """An answer that is text of one of several kinds."""
    return {
        **_headers(description),
        "content": {kind: {"schema": {"type": "string"}} for kind in content_types},
    }


def _headers(description: str) -> dict[str, Any]:
    header = {"required": True, "schema": {"type": "string"}}
    return {"description": description, "headers": {"X-Request-Id": header}}


def members(**properties: Mapping[str, Any]) -> dict[str, Any]:
    """An object with exactly these members."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def query(name: str, description: str, default: int | None, largest: int) -> dict[str, Any]:
    """A whole number in the query."""
    schema = {"type": "integer", "minimum": 0, "maximum": largest}
    schema |= {} if default is None else {"default": default}
    return {"name": name, "in": "query", "description": description, "schema": schema}


OPERATIONS: Operations = {
    "/openapi.json": {
        "get": operation(
            "describe", "This description", {200: answer("The description.", {"type": "object"})}, token=False
        )
    }
}


def described_routes(operations: Iterable[Operations]) -> list[Route]:
    """`GET /openapi.json`, which describes `operations` and itself."""
    parts = [*operations, OPERATIONS]

    async def read(_request: Request) -> Response:
        return json_of(description(parts))

    return [Route("/openapi.json", read, methods=["GET"])]


def description(operations: Iterable[Operations]) -> dict[str, Any]:
    """The whole of it, as OpenAPI 3.1."""
    statuses = (400, 401, 404, 408, 409, 413, 422, 431, 500, 503)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Helionyx",
            "version": "1",
            "description": "Keeps every word that it is told. Each answer has an X-Request-Id:"
            " the caller's, if it has 1 to 100 of A-Z a-z 0-9 . _ : / + = @ -, else a new one.",
        },
        "paths": {path: dict(methods) for part in operations for path, methods in part.items()},
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "The environment's API_TOKEN."}
            },
            "schemas": {"Problem": PROBLEM},
            "responses": {
                str(status): answer(
                    HTTPStatus(status).phrase,
                    {"$ref": "#/components/schemas/Problem"},
                    "application/problem+json",
                )
                for status in statuses
            },
        },
    }
