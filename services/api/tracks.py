"""What is followed over time."""

from __future__ import annotations

from http import HTTPStatus

import msgspec
from msgspec.structs import asdict
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.api.bodies import KEY, NAME, TAGS, WORDS, body, described, idempotency_key
from services.api.openapi import Operations, answer, members, operation
from services.api.pages import BEFORE, LIMIT, answered, page
from services.api.responses import json_of
from services.api.things import NUMBER, SOURCE, Change, Kind, Nothing, number_of, one_of, tags_of
from services.domain import commands as c
from services.domain.things import TRACK
from services.projections import TrackEntry
from services.service import Service


class NewTrack(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a POST."""

    name: str
    tags: tuple[str, ...] = ()


class NewEntry(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a POST to its entries."""

    text: str


KIND = Kind(
    TRACK,
    NewTrack,
    lambda new: c.StartTrack(" ".join(new.name.split()), tags_of(new.tags), source=SOURCE),
    described({"tags": TAGS}, name=NAME),
    '{"name": "weight", "tags": ["health"]}',
    (
        Change(
            "stop",
            "It is followed no more; the next entry starts it again",
            lambda thing, _: c.StopTrack(thing.text, source=SOURCE),
            Nothing,
        ),
    ),
)

ENTRY = members(
    position={"type": "integer", "minimum": 1},
    text={"type": "string"},
    time={"type": "string", "format": "date-time"},
)

PATH = f"{KIND.path}/{{number}}/entries"

ENTRIES: Operations = {
    PATH: {
        "get": operation(
            "list-entries",
            "The entries of a track, the newest first",
            {200: page("entries", ENTRY)},
            404,
            token=True,
            parameters=[NUMBER, BEFORE, LIMIT],
        ),
        "post": operation(
            "add-entry",
            "A new entry",
            {200: answer("A repeat: it was there already.", ENTRY), 201: answer("It is there.", ENTRY)},
            *(404, 409, 413, 422),
            token=True,
            parameters=[NUMBER, KEY],
            requestBody=described({}, text=WORDS),
        ),
    }
}


def entry_routes(service: Service) -> list[Route]:
    """`GET` and `POST /api/v1/tracks/{number}/entries`."""

    async def entries(request: Request) -> Response:
        track = (await one_of(service, TRACK, number_of(request))).text
        if request.method == "POST":
            text = (await body(request, NewEntry, '{"text": "82.1 kg"}')).text
            recorded = await service.record(c.AddEntry(track, text, source=SOURCE), idempotency_key(request))
            status = HTTPStatus.OK if recorded.repeated else HTTPStatus.CREATED
            entry = recorded.entries[-1]
            return json_of(asdict(TrackEntry(entry.position, text, entry.time)), status)

        async def read(before: int, limit: int) -> tuple[TrackEntry, ...]:
            return await service.look(lambda models: models.entries(track, before, limit))

        return await answered(request, "entries", read, lambda entry: entry.position, asdict)

    return [Route(PATH, entries, methods=["GET", "POST"])]
