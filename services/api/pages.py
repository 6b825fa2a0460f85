"""Lists that are read page by page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from services.api.openapi import answer, number_parameter
from services.api.requests import LARGEST_POSITION, number
from services.api.responses import json_of
from services.api.schemas import Component, record

T = TypeVar("T")

DEFAULT_LIMIT = 100
LARGEST_LIMIT = 1000

LIMIT = Component(
    "parameters",
    "limit",
    number_parameter(
        "limit",
        "The largest number of items on a page. A page of large items has fewer.",
        DEFAULT_LIMIT,
        LARGEST_LIMIT,
    ),
)
AFTER = Component(
    "parameters",
    "after",
    number_parameter("after", "Only what follows this position in the log.", 0, LARGEST_POSITION),
)
BEFORE = Component(
    "parameters",
    "before",
    number_parameter("before", "Only what precedes this position in the log.", None, LARGEST_POSITION),
)


def page(name: str, item: Component, cursor: str = "before") -> dict[str, Any]:
    """The answer that is one page of items, in its member `name`."""
    next_page = {
        "type": ["integer", "null"],
        "description": f"The `{cursor}` of the next page, null on the last one.",
    }
    items = {"type": "array", "items": item, "description": "The items of this page."}
    return answer(
        "A page.", record(f"{item.name}Page", f"A page of {name}.", **{name: items}, next=next_page)
    )


async def answered(
    request: Request,
    name: str,
    read: Callable[[int, int], Awaitable[Sequence[T]]],
    position_of: Callable[[T], int],
    shown: Callable[[T], object],
    cursor: str = "before",
) -> Response:
    """The page that is asked for. `read` gives at most so many items from a position on, each at its `place`.

    `next` is where the following page begins, or null where nothing follows. A page is shorter than `limit`
    where it would be larger than memory should hold.
    """
    first = number(request, cursor, 0 if cursor == "after" else LARGEST_POSITION, LARGEST_POSITION)
    limit = number(request, "limit", DEFAULT_LIMIT, LARGEST_LIMIT)
    items = await read(first, limit)
    if limit == 0 and cursor == "before":  # nobody else has a position for the end of the list
        newest = await read(first, 1)
        return json_of({name: [], "next": position_of(newest[0]) + 1 if newest else None})
    end = position_of(items[-1]) if items else first
    following = end if await read(end, 1) else None
    return json_of({name: [shown(item) for item in items], "next": following})
