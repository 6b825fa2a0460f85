"""Lists that are read page by page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from services.api.openapi import answer, members, query
from services.api.requests import LARGEST_POSITION, number
from services.api.responses import json_of

T = TypeVar("T")

DEFAULT_LIMIT = 100
LARGEST_LIMIT = 1000

LIMIT = query("limit", "At most so many, and fewer of large ones.", DEFAULT_LIMIT, LARGEST_LIMIT)
AFTER = query("after", "Only what is behind this position.", 0, LARGEST_POSITION)
BEFORE = query("before", "Only what is in front of this position.", None, LARGEST_POSITION)


def page(name: str, item: Mapping[str, Any], cursor: str = "before") -> dict[str, Any]:
    """How a page is described."""
    description = f"The `{cursor}` of the next page, null on the last one."
    return answer(
        "One page of them.",
        members(
            **{name: {"type": "array", "items": item}},
            next={"type": ["integer", "null"], "description": description},
        ),
    )


async def answered(
    request: Request,
    name: str,
    read: Callable[[int, int], Awaitable[Sequence[T]]],
    place: Callable[[T], int],
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
    end = place(items[-1]) if items else first
    following = end if await read(end, 1) else None
    return json_of({name: [shown(item) for item in items], "next": following})
