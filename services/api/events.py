"""The log itself, line by line, as anyone can check it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.api.openapi import Operations, operation, query, text
from services.api.requests import LARGEST_POSITION, TYPES, number, time_of, types_of
from services.api.responses import streamed
from services.event_log.lines import to_line
from services.event_log.reading import Reader, Selection
from services.service import Service

BATCH = 500
"""How many records are read and sent at a time at most."""

LONGEST_WAIT = 25
"""In seconds: less than a request may take."""


def _time(name: str, description: str) -> dict[str, Any]:
    schema = {"type": "string", "format": "date-time"}
    return {"name": name, "in": "query", "description": description, "schema": schema}


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
                TYPES,
                _time("since", "Only events of this time or later."),
                _time("until", "Only events before this time."),
                query("wait", "Where there is nothing, wait so many seconds for it.", 0, LONGEST_WAIT),
            ],
        )
    }
}


@dataclass(frozen=True)
class _Wanted:
    """What a caller asks for."""

    after: int
    limit: int
    types: tuple[str, ...] | None
    since: datetime | None
    until: datetime | None


def event_routes(service: Service) -> list[Route]:
    """`GET /api/v1/events`: what is asked for, as far as the log's end was when it was asked for."""

    async def read(request: Request) -> Response:
        wanted = _Wanted(
            number(request, "after", 0, LARGEST_POSITION),
            number(request, "limit", LARGEST_POSITION, LARGEST_POSITION),
            types_of(request),
            time_of(request, "since"),
            time_of(request, "until"),
        )
        seconds = number(request, "wait", 0, LONGEST_WAIT)
        if seconds and request.method != "HEAD":
            async with aclosing(
                service.stream(
                    wanted.after,
                    types=wanted.types,
                    since=wanted.since,
                    until=wanted.until,
                    idle_seconds=seconds,
                )
            ) as stream:
                await anext(stream, None)  # something has come, or the time is over, or the service stops
        end = (await service.head()).position
        return streamed(request, _lines(service, wanted, end), "application/x-ndjson")

    return [Route("/api/v1/events", read, methods=["GET"])]


async def _lines(service: Service, wanted: _Wanted, end: int) -> AsyncIterator[bytes]:
    reader = Reader(Selection(wanted.types, wanted.since, wanted.until))
    after, left = wanted.after, wanted.limit
    while after < end and left > 0:
        # A damaged log is not read behind its end.
        found = await service.part(reader, after, min(BATCH, left, end - after))
        records = [record for record in found if record.position <= end]
        if not records:
            return
        yield b"".join(to_line(record) for record in records)
        after, left = records[-1].position, left - len(records)
