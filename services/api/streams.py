"""The log as an endless stream of server-sent events, for callers that want each record at once."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from functools import lru_cache

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.api.measures import WAITS, Measures
from services.api.openapi import Operations, answer, operation, parameter
from services.api.pages import AFTER
from services.api.protocol import FOLLOWS
from services.api.requests import LARGEST_POSITION, TYPES, number, number_in, types_of
from services.api.responses import streamed
from services.api.schemas import named, text
from services.errors import HelionyxError
from services.event_log.lines import to_line
from services.event_log.reading import Selection
from services.event_log.records import Record
from services.logs import log_failure
from services.refusals import GoneError
from services.service import Service

PING_SECONDS = 15.0
"""After so long without a record a comment is sent, by which both sides see that the other is there."""

RETRY = b"retry: 500\n"
"""The milliseconds before a caller reconnects: a stopped service is soon replaced.

Without a blank line, it belongs to the first event: of a block with no data some clients make an empty event.
"""

PING = b": still here\n"
"""A comment is a line of its own. A blank line behind it would end an event, for the same clients."""

RESET = b'id: 0\nevent: reset\ndata: {"after":0,"reason":%b}\n\n'
"""Sent where the log ends before the position of the request. The whole log follows, from the beginning.

Its id takes the place of that position, with which an EventSource would come back for ever.
"""

END = b'event: end\ndata: {"after":%d,"reason":"nothing more comes from here: come back"}\n\n'

LAST_EVENT_ID = {
    **parameter(
        "Last-Event-ID",
        "The position of the last record that was received. It takes precedence over `after`.",
        {"type": "integer", "minimum": 0, "maximum": LARGEST_POSITION},
    ),
    "in": "header",
}

EVENT_TYPE = named(
    "StreamEventType",
    text(
        "`reset` is the first event where the log ends before the position that was asked for, as after a"
        " restore: the whole log follows. `end` is the last event. Records have no type.",
        enum=["reset", "end"],
    ),
)

EVENT = named(
    "StreamEvent",
    {
        "type": "object",
        "description": "One server-sent event.",
        "required": ["data"],
        "properties": {
            "id": text("The position of the record."),
            "event": EVENT_TYPE,
            "data": text("The Record as JSON. In `reset` and `end`: the position to continue `after`."),
        },
    },
)

# Clients that read events take each as a StreamEvent, and others the whole answer as one text.
STREAM = named(
    "Stream", {"anyOf": [EVENT, {"type": "string"}], "description": "Server-sent events: StreamEvents."}
)

OPERATIONS: Operations = {
    "/api/v1/events/stream": {
        "get": operation(
            "follow-events",
            "Follow the log",
            "Server-sent events: the records that follow a position, and then new ones as they are recorded."
            " When the stream ends, come back with the last `id` as `Last-Event-ID`.",
            {200: answer("The stream.", STREAM, "text/event-stream")},
            tag="events",
            token=True,
            parameters=[AFTER, LAST_EVENT_ID, TYPES],
        )
    }
}


def stream_routes(service: Service, measures: Measures) -> list[Route]:
    """`GET /api/v1/events/stream`. It ends when the service stops, with an event of its own."""

    async def follow(request: Request) -> Response:
        after = number(request, "after", 0, LARGEST_POSITION)
        after = number_in(request.headers.get("last-event-id"), "Last-Event-ID", after, LARGEST_POSITION)
        setattr(request.state, FOLLOWS, True)
        setattr(request.state, WAITS, True)
        events = _counted(_events(service, after, Selection(types_of(request))), measures)
        # A proxy that collects before it sends would hold back what is to be heard at once.
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return streamed(request, events, "text/event-stream", headers)

    return [Route("/api/v1/events/stream", follow, methods=["GET"])]


@lru_cache(maxsize=2)
def _encoded(records: tuple[Record, ...]) -> bytes:
    """The records as events, encoded once for all followers that wait at the same time."""
    return b"".join(b"id: %d\ndata: %b\n" % (record.position, to_line(record)) for record in records)


async def _counted(events: AsyncGenerator[bytes, None], measures: Measures) -> AsyncIterator[bytes]:
    measures.followers += 1
    try:
        async with aclosing(events):
            async for part in events:
                yield part
    finally:
        measures.followers -= 1


async def _events(service: Service, after: int, selection: Selection) -> AsyncGenerator[bytes, None]:
    yield RETRY
    try:
        try:
            await service.head_from(after)
        except GoneError as error:
            after = 0
            yield RESET % msgspec.json.encode(error.message)
        async with aclosing(service.stream(after, selection, idle_seconds=PING_SECONDS)) as stream:
            async for records in stream:
                yield _encoded(records) or PING
                after = records[-1].position if records else after
    except HelionyxError as error:  # the log cannot be read any further: who follows hears no more of it
        log_failure(error)
    yield END % after
