"""Tags, by which items are found."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.api.bodies import KEY, TAG, idempotency_key
from services.api.items import ITEM, shown
from services.api.kinds import NUMBER, SOURCE, number_of, tags_of
from services.api.openapi import Operations, answer, operation, parameter
from services.api.responses import json_of
from services.api.schemas import mapping, record
from services.domain import commands as c
from services.domain.tags import has_tag
from services.projections import items
from services.refusals import StateError
from services.service import Service

_PATH = "/api/v1/things/{number}/tags/{tag}"
_NAMED = {**parameter("tag", "The tag, without `#`.", TAG, required=True), "in": "path"}

TAG_COUNTS = record(
    "TagCounts",
    "All tags.",
    tags=mapping("Tags", "Tag -> the number of items that have it.", {"type": "integer", "minimum": 1}),
)

OPERATIONS: Operations = {
    "/api/v1/tags": {
        "get": operation(
            "list-tags",
            "List tags",
            "Every tag, with the number of items that have it.",
            {200: answer("The tags.", TAG_COUNTS)},
            tag="tags",
            token=True,
        )
    },
    _PATH: {
        method: operation(
            f"{verb}-tag",
            summary,
            description,
            {200: answer("The item, as it is now.", ITEM)},
            *(404, 409, 422),
            tag="tags",
            token=True,
            parameters=[NUMBER, _NAMED, KEY],
        )
        for method, verb, summary, description in (
            ("put", "add", "Add a tag to an item", "Nothing changes where the item has the tag already."),
            ("delete", "remove", "Remove a tag from an item", "Answered with 404 where it has no such tag."),
        )
    },
}


def tag_routes(service: Service) -> list[Route]:
    """`GET /api/v1/tags`, and a tag of a todo, a note, a track or a decision."""

    async def everyone(_request: Request) -> Response:
        return json_of({"tags": await service.look(items.tags)})

    async def one(request: Request) -> Response:
        number, (tag,) = number_of(request), tags_of((request.path_params["tag"],))
        key = idempotency_key(request)
        if request.method == "DELETE":
            await service.record(c.RemoveTag(number, tag, source=SOURCE), key)
        else:
            await put(number, tag, key)
        return json_of(shown(await service.item(number)))

    async def put(number: int, tag: str, key: str | None) -> None:
        """To put a tag where it is changes nothing, as to put a file where it is."""
        try:
            await service.record(c.AddTag(number, tag, source=SOURCE), key)
        except StateError:  # only the refusal knows who was first
            if not has_tag((await service.item(number)).tags, tag):
                raise

    return [Route("/api/v1/tags", everyone), Route(_PATH, one, methods=["PUT", "DELETE"])]
