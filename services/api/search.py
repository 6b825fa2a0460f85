"""Finding what was said, and how much there is of everything."""

from __future__ import annotations

from http import HTTPStatus

from msgspec.structs import asdict
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.api.openapi import Operations, answer, members, operation
from services.api.pages import BEFORE, LIMIT, answered, page
from services.api.problems import ProblemError
from services.api.responses import json_of
from services.projections import Hit
from services.service import Service

LONGEST_QUERY = 200

HIT = members(
    position={"type": "integer", "minimum": 1},
    type={"type": "string"},
    time={"type": "string", "format": "date-time"},
    text={"type": "string"},
)

_NUMBERS = {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}}

OPERATIONS: Operations = {
    "/api/v1/search": {
        "get": operation(
            "search",
            "What was said with all of these words, the newest first",
            {200: page("hits", HIT)},
            token=True,
            parameters=[
                {
                    "name": "q",
                    "in": "query",
                    "required": True,
                    "description": "Words; the last one may be the beginning of one.",
                    "schema": {"type": "string", "maxLength": LONGEST_QUERY},
                },
                BEFORE,
                LIMIT,
            ],
        )
    },
    "/api/v1/counts": {
        "get": operation(
            "count",
            "How many events there are of each type, and things of each kind in each state",
            {
                200: answer(
                    "The numbers.",
                    members(events=_NUMBERS, things={"type": "object", "additionalProperties": _NUMBERS}),
                )
            },
            token=True,
        )
    },
}


def search_routes(service: Service) -> list[Route]:
    """`GET /api/v1/search` and `GET /api/v1/counts`."""

    async def search(request: Request) -> Response:
        words = request.query_params.get("q")
        if words is None or len(words) > LONGEST_QUERY:
            found = "nothing" if words is None else f"{len(words)}"
            raise ProblemError(
                HTTPStatus.BAD_REQUEST, f"expected q to be {LONGEST_QUERY} characters at most, found {found}"
            )

        async def read(before: int, limit: int) -> tuple[Hit, ...]:
            return await service.look(lambda models: models.search(words, before, limit))

        return await answered(request, "hits", read, lambda hit: hit.position, asdict)

    async def counts(_request: Request) -> Response:
        return json_of(
            await service.look(lambda models: {"events": models.counts(), "things": models.standing()})
        )

    return [Route("/api/v1/search", search), Route("/api/v1/counts", counts)]
