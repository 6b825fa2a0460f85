"""Tracks."""

from __future__ import annotations

from http import HTTPStatus

import msgspec
from msgspec.structs import asdict
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.api.bodies import KEY, NAME, TAGS, WORDS, body, described, idempotency_key
from services.api.kinds import NUMBER, SOURCE, Change, Kind, Nothing, number_of, one_of, tags_of
from services.api.openapi import Operations, answer, operation
from services.api.pages import BEFORE, LIMIT, answered, page
from services.api.responses import json_of
from services.api.schemas import POSITION, moment, record, text
from services.domain import commands as c
from services.domain.items import TRACK
from services.projections import entries as entries_model
from services.projections.entries import TrackEntry
from services.service import Service


class NewTrack(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a POST."""

    name: str
    tags: tuple[str, ...] = ()


class NewTrackEntry(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a POST to its entries."""

    text: str


EXAMPLE = '{"name": "weight", "tags": ["health"]}'
ENTRY_EXAMPLE = '{"text": "82.1 kg"}'

KIND = Kind(
    TRACK,
    NewTrack,
    lambda new: c.StartTrack(" ".join(new.name.split()), tags_of(new.tags), source=SOURCE),
    described(NewTrack, "A track to start.", EXAMPLE, {"tags": TAGS}, name=NAME),
    EXAMPLE,
    (
        Change(
            "stop",
            "Stop a track",
            "The track must be running; else 409. Its next entry starts it again.",
            lambda item, _: c.StopTrack(item.text, source=SOURCE),
            Nothing,
        ),
    ),
    "A stopped track of the same name runs again; a running one is refused with 409.",
)

ENTRY = record(
    "TrackEntry",
    "An entry of a track.",
    position=POSITION,
    text=text("The entry."),
    time=moment("The time of the entry."),
)

PATH = f"{KIND.path}/{{number}}/entries"

ENTRIES: Operations = {
    PATH: {
        "get": operation(
            "list-entries",
            "List the entries of a track",
            "The entries, the newest first, page by page.",
            {200: page("entries", ENTRY)},
            404,
            tag=KIND.plural,
            token=True,
            parameters=[NUMBER, BEFORE, LIMIT],
        ),
        "post": operation(
            "add-entry",
            "Add an entry to a track",
            "Starts the track again if it is stopped.",
            {200: answer("A repeat: the entry as recorded before.", ENTRY), 201: answer("Added.", ENTRY)},
            *(404, 409, 413, 422),
            tag=KIND.plural,
            token=True,
            parameters=[NUMBER, KEY],
            requestBody=described(
                NewTrackEntry,
                "An entry to add.",
                ENTRY_EXAMPLE,
                {},
                text={**WORDS, "description": "The entry."},
            ),
        ),
    }
}


def entry_routes(service: Service) -> list[Route]:
    """`GET` and `POST /api/v1/tracks/{number}/entries`."""

    async def entries(request: Request) -> Response:
        track = (await one_of(service, TRACK, number_of(request))).text
        if request.method == "POST":
            new = await body(request, NewTrackEntry, ENTRY_EXAMPLE)
            command = c.AddEntry(track, new.text, source=SOURCE)
            recorded = await service.record(command, idempotency_key(request))
            status = HTTPStatus.OK if recorded.repeated else HTTPStatus.CREATED
            entry = recorded.entries[-1]
            return json_of(asdict(TrackEntry(entry.position, new.text, entry.time)), status)

        async def read(before: int, limit: int) -> tuple[TrackEntry, ...]:
            return await service.look(lambda models: entries_model.entries(models, track, before, limit))

        return await answered(request, "entries", read, lambda entry: entry.position, asdict)

    return [Route(PATH, entries, methods=["GET", "POST"])]
