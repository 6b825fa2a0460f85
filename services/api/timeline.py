"""The timeline: all events, the newest first."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.api.openapi import Operations, operation
from services.api.pages import BEFORE, LIMIT, answered, page
from services.api.requests import TYPES, types_of
from services.api.schemas import POSITION, integer, mapping, moment, record, text
from services.service import Service

EVENT = record(
    "Event",
    "An event, in the form that this release gives to events of any age.",
    position=POSITION,
    id=text("The id of the event.", format="uuid"),
    type=text("The type, such as `TodoAdded`."),
    version=integer("The version of the type's data."),
    time=moment("The time of recording."),
    data=mapping("EventData", "The members depend on the type.", {}),
)

OPERATIONS: Operations = {
    "/api/v1/timeline": {
        "get": operation(
            "read-timeline",
            "List events, the newest first",
            "Every event, decoded, page by page. The records as they are stored are at `/api/v1/events`.",
            {200: page("entries", EVENT)},
            tag="events",
            token=True,
            parameters=[BEFORE, LIMIT, TYPES],
        )
    }
}


def timeline_routes(service: Service) -> list[Route]:
    """`GET /api/v1/timeline`."""

    async def read(request: Request) -> Response:
        types = types_of(request)
        return await answered(
            request,
            "entries",
            lambda before, limit: service.timeline(before, limit, types),
            lambda entry: entry.position,
            lambda entry: entry,  # in which the members of a body that are not shown are not set
        )

    return [Route("/api/v1/timeline", read, methods=["GET"])]
