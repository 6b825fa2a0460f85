"""The log itself, line by line, as anyone can check it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.api.measures import WAITS
from services.api.openapi import Operations, answer, number_parameter, operation, parameter
from services.api.pages import AFTER
from services.api.requests import LARGEST_POSITION, TYPES, number, time_of, types_of
from services.api.responses import streamed
from services.api.schemas import HASH, POSITION, named, record, text
from services.event_log.lines import to_line
from services.event_log.reading import Reader, Selection
from services.service import Service

BATCH = 500
"""The most records that are read and sent at a time."""

LONGEST_WAIT = 25
"""In seconds: less than a request may take."""


LINES, PLAIN = "application/x-ndjson", "text/plain"
"""The content types of the records: the same bytes, for clients that do not know JSON Lines."""

RECORD = record(
    "Record",
    "A record of the log: one line of the answer, or the `data` of one event of the stream.",
    position=POSITION,
    previous={**HASH, "description": "The hash of the record before; zeros for the first one."},
    hash={**HASH, "description": "The hash over `previous`, `position` and `body`."},
    body=text(
        "The event as JSON, with the bytes that were hashed: `id`, `type`, `version`, `time`, `data` and,"
        " where the caller gave one, `idempotency_key`."
    ),
)

RECORDS = named(
    "Records",
    text("One Record as JSON in each line.", contentMediaType=LINES, contentSchema=RECORD),
)


def _time(name: str, description: str) -> dict[str, Any]:
    return parameter(name, description, {"type": "string", "format": "date-time"})


OPERATIONS: Operations = {
    "/api/v1/events": {
        "get": operation(
            "read-events",
            "Read the records of the log",
            "The records as they are stored, with the hashes that chain them, as JSON Lines. `wait` follows"
            " the log: ask again with the position of the last record as `after`.",
            {200: answer("The records.", RECORDS, LINES, PLAIN)},
            410,
            tag="events",
            token=True,
            parameters=[
                AFTER,
                number_parameter("limit", "The most records to answer with.", None, LARGEST_POSITION),
                TYPES,
                _time("since", "Only events recorded at this time or later."),
                _time("until", "Only events recorded before this time."),
                number_parameter(
                    "wait", "The seconds to wait for a record where there is none yet.", 0, LONGEST_WAIT
                ),
            ],
        )
    }
}


def event_routes(service: Service) -> list[Route]:
    """`GET /api/v1/events`: what is asked for, as far as the log's end was when it was asked for."""

    async def read(request: Request) -> Response:
        after = number(request, "after", 0, LARGEST_POSITION)
        limit = number(request, "limit", LARGEST_POSITION, LARGEST_POSITION)
        selection = Selection(types_of(request), time_of(request, "since"), time_of(request, "until"))
        seconds = number(request, "wait", 0, LONGEST_WAIT)
        if seconds and request.method != "HEAD":
            setattr(request.state, WAITS, True)
            await service.head_from(after)  # before the wait, which an unknown position makes useless
            async with aclosing(service.stream(after, selection, idle_seconds=seconds)) as stream:
                await anext(stream, None)  # something has come, or the time is over, or the service stops
        end = (await service.head_from(after)).position
        accept = request.headers.get("accept", "")
        content_type = PLAIN if PLAIN in accept and LINES not in accept else LINES
        return streamed(request, _lines(service, selection, after, limit, end), content_type)

    return [Route("/api/v1/events", read, methods=["GET"])]


async def _lines(
    service: Service, selection: Selection, after: int, limit: int, end: int
) -> AsyncIterator[bytes]:
    reader, remaining = Reader(selection), limit
    while after < end and remaining > 0:
        # A damaged log is not read behind its end.
        part = await service.part(reader, after, min(BATCH, remaining, end - after))
        records = [record for record in part if record.position <= end]
        if not records:
            return
        yield b"".join(to_line(record) for record in records)
        after, remaining = records[-1].position, remaining - len(records)
