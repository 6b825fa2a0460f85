"""The log itself, line by line, as anyone can check it."""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from services.api.openapi import Operations, operation, query, text
from services.api.requests import number
from services.event_log.lines import to_line
from services.service import Service

LARGEST_POSITION = 2**63 - 1
BATCH = 500
"""How many records are read and sent at a time."""

OPERATIONS: Operations = {
    "/api/v1/events": {
        "get": operation(
            "read-events",
            "The log itself, one record per line, as anyone can check it",
            {200: text("The records: position, previous, hash, body.", "application/x-ndjson")},
            token=True,
            parameters=[
                query("after", "Only what is behind this position.", 0, LARGEST_POSITION),
                query("limit", "At most so many.", None, LARGEST_POSITION),
            ],
        )
    }
}


def event_routes(service: Service) -> list[Route]:
    """`GET /api/v1/events`: the records after `after`, all up to the log's end or the first `limit`."""

    async def read(request: Request) -> Response:
        after = number(request, "after", 0, LARGEST_POSITION)
        limit = number(request, "limit", LARGEST_POSITION, LARGEST_POSITION)
        end = min((await service.head()).position, after + limit)
        return StreamingResponse(_lines(service, after, end), media_type="application/x-ndjson")

    return [Route("/api/v1/events", read, methods=["GET"])]


async def _lines(service: Service, after: int, end: int) -> AsyncIterator[bytes]:
    while after < end:
        records = await service.events(after, min(BATCH, end - after))
        yield b"".join(to_line(record) for record in records)
        after = records[-1].position
