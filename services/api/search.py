"""Finding what was said, and how much there is of everything."""

from __future__ import annotations

from http import HTTPStatus

from msgspec.structs import asdict
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.api.openapi import Operations, answer, operation, parameter
from services.api.pages import BEFORE, LIMIT, answered, page
from services.api.problems import ProblemError
from services.api.responses import json_of
from services.api.schemas import POSITION, TEXT_OR_NULL, mapping, moment, record, text
from services.projections import counts as counts_model
from services.projections import items
from services.projections import search as search_model
from services.projections.search import Hit
from services.service import Service

LONGEST_QUERY = 200

HIT = record(
    "Hit",
    "A text that was found.",
    position=POSITION,
    type=text("The type of the event that has the text, such as `MessageRecorded`."),
    time=moment("The time of recording."),
    text=text("The text."),
    number={
        "type": ["integer", "null"],
        "minimum": 1,
        "description": "The number of the item that the event began or is about; null for a message alone.",
    },
    state={**TEXT_OR_NULL, "description": "The state of that item as it is now; null where there is none."},
)

_NUMBERS = mapping(
    "Numbers", "Type of event, or state of an item -> number.", {"type": "integer", "minimum": 0}
)

COUNTS = record(
    "Counts",
    "The numbers of events and items.",
    events=_NUMBERS,
    things=mapping("NumbersByKind", "Kind of item -> state -> number.", _NUMBERS),
)

OPERATIONS: Operations = {
    "/api/v1/search": {
        "get": operation(
            "search",
            "Search all texts",
            "The texts that have all of these words, whatever their case and accents, the newest first."
            " A message that became an item is found once, as that item.",
            {200: page("hits", HIT)},
            tag="search",
            token=True,
            parameters=[
                parameter(
                    "q",
                    "The words. The last one may be the beginning of a word.",
                    {"type": "string", "maxLength": LONGEST_QUERY},
                    required=True,
                ),
                BEFORE,
                LIMIT,
            ],
        )
    },
    "/api/v1/counts": {
        "get": operation(
            "count",
            "Count events and items",
            "The numbers of events of each type, and of items of each kind in each state.",
            {200: answer("The numbers.", COUNTS)},
            tag="search",
            token=True,
        )
    },
}


def search_routes(service: Service) -> list[Route]:
    """`GET /api/v1/search` and `GET /api/v1/counts`."""

    async def search(request: Request) -> Response:
        words = request.query_params.get("q")
        if words is None or len(words) > LONGEST_QUERY:
            actual = "nothing" if words is None else f"{len(words)}"
            raise ProblemError(
                HTTPStatus.BAD_REQUEST, f"expected q to be {LONGEST_QUERY} characters at most, found {actual}"
            )

        async def read(before: int, limit: int) -> tuple[Hit, ...]:
            return await service.look(lambda models: search_model.search(models, words, before, limit))

        return await answered(request, "hits", read, lambda hit: hit.position, asdict)

    async def counts(_request: Request) -> Response:
        return json_of(
            await service.look(
                lambda models: {"events": counts_model.counts(models), "things": items.standing(models)}
            )
        )

    return [Route("/api/v1/search", search), Route("/api/v1/counts", counts)]
