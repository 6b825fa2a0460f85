"""The log as a stream that goes on: server-sent events, for whoever wants to hear of each record at once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import aclosing

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.api.openapi import Operations, answer, operation, parameter
from services.api.pages import AFTER
from services.api.requests import LARGEST_POSITION, TYPES, number, number_in, types_of
from services.api.responses import streamed
from services.api.schemas import named, text
from services.errors import HelionyxError
from services.event_log.lines import to_line
from services.logs import log_failure
from services.service import Service

PING_SECONDS = 15.0
"""After so long without a record a comment is sent, by which both sides see that the other is there."""

RETRY = b"retry: 500\n\n"
"""How long a caller waits, in milliseconds, before it comes back: whoever stops here is soon followed."""

PING = b": still here\n\n"

END = b'event: end\ndata: {"after":%d,"reason":"nothing more comes from here: come back"}\n\n'

LAST_EVENT_ID = {
    **parameter(
        "Last-Event-ID",
        "The position of the last record that was received. It takes precedence over `after`.",
        {"type": "integer", "minimum": 0, "maximum": LARGEST_POSITION},
    ),
    "in": "header",
}

EVENT = named(
    "StreamEvent",
    {
        "type": "object",
        "description": "One server-sent event.",
        "required": ["data"],
        "properties": {
            "id": text("The position of the record."),
            "event": text("Only in the last event.", const="end"),
            "data": text("The Record as JSON. In the last event: the position to continue `after`."),
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


def stream_routes(service: Service) -> list[Route]:
    """`GET /api/v1/events/stream`. It ends when the service stops, with an event that says so."""

    async def follow(request: Request) -> Response:
        after = number(request, "after", 0, LARGEST_POSITION)
        after = number_in(request.headers.get("last-event-id"), "Last-Event-ID", after, LARGEST_POSITION)
        events = _events(service, after, types_of(request))
        # A proxy that collects before it sends would hold back what is to be heard at once.
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return streamed(request, events, "text/event-stream", headers)

    return [Route("/api/v1/events/stream", follow, methods=["GET"])]


async def _events(service: Service, after: int, types: Collection[str] | None) -> AsyncIterator[bytes]:
    yield RETRY
    try:
        async with aclosing(service.stream(after, types=types, idle_seconds=PING_SECONDS)) as stream:
            async for records in stream:
                parts = [b"id: %d\ndata: %b\n" % (record.position, to_line(record)) for record in records]
                yield b"".join(parts) or PING
                after = records[-1].position if records else after
    except HelionyxError as error:  # the log cannot be read any further: who follows hears no more of it
        log_failure(error)
    yield END % after
