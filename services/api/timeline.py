"""What happened, the newest first."""

from __future__ import annotations

from msgspec.structs import asdict
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.api.openapi import Operations, members, operation
from services.api.pages import BEFORE, LIMIT, answered, page
from services.api.requests import TYPES, types_of
from services.service import Service

ENTRY = members(
    position={"type": "integer", "minimum": 1},
    id={"type": "string", "format": "uuid"},
    type={"type": "string"},
    version={"type": "integer"},
    time={"type": "string", "format": "date-time"},
    data={"type": "object"},
)

OPERATIONS: Operations = {
    "/api/v1/timeline": {
        "get": operation(
            "read-timeline",
            "Every event, the newest first, as this release understands it",
            {200: page("entries", ENTRY)},
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
            asdict,
        )

    return [Route("/api/v1/timeline", read, methods=["GET"])]
