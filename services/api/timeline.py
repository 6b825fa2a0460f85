"""What happened, the newest first."""

from __future__ import annotations

from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.api.openapi import Operations, answer, members, operation, query
from services.api.requests import LARGEST_POSITION, TYPES, number, types_of
from services.api.responses import json_of
from services.service import Service

DEFAULT_LIMIT = 100
LARGEST_LIMIT = 1000

ENTRY = members(
    position={"type": "integer", "minimum": 1},
    id={"type": "string", "format": "uuid"},
    type={"type": "string"},
    version={"type": "integer"},
    time={"type": "string", "format": "date-time"},
    data={"type": "object"},
)

PAGE = members(
    entries={"type": "array", "items": ENTRY},
    next={"type": ["integer", "null"], "description": "The `before` of the next page, null on the last one."},
)

OPERATIONS: Operations = {
    "/api/v1/timeline": {
        "get": operation(
            "read-timeline",
            "Every event, the newest first, as this release understands it",
            {200: answer("One page of them.", PAGE)},
            token=True,
            parameters=[
                query("before", "Only what is in front of this position.", None, LARGEST_POSITION),
                query("limit", "At most so many, and fewer of large ones.", DEFAULT_LIMIT, LARGEST_LIMIT),
                TYPES,
            ],
        )
    }
}


def timeline_routes(service: Service) -> list[Route]:
    """`GET /api/v1/timeline`."""

    async def read(request: Request) -> Response:
        before = number(request, "before", LARGEST_POSITION, LARGEST_POSITION)
        limit = number(request, "limit", DEFAULT_LIMIT, LARGEST_LIMIT)
        types = types_of(request)
        entries = await service.timeline(before, limit, types)
        end = entries[-1].position if entries else before
        following = end if await service.timeline(end, 1, types) else None
        content = {"entries": [asdict(entry) for entry in entries], "next": following}
        return json_of(content)

    return [Route("/api/v1/timeline", read, methods=["GET"])]
