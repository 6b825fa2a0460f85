"""The line above a page that says what was just done, with a button that undoes it.

It is in the address of the page, and shown only while the item is as the change has left it.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit

from msgspec import Struct

from services.domain.items import TODO, TRACK, Item
from services.projections import items
from services.web.changes import CHANGES
from services.web.site import Site

_STATES = {
    "complete": "done",
    "reopen": "open",
    "cancel": "cancelled",
    "accept": "accepted",
    "reject": "rejected",
    "revisit": "proposed",
    "stop": "stopped",
    "start": "running",
}


class Done(Struct, frozen=True):
    """A change that was done, and how it is undone."""

    text: str
    item: Item
    undo: str
    """The verb; empty where nothing undoes it."""
    value: str


def did(path: str, verb: str, number: int, value: str = "") -> str:
    """The address of a page that says that `verb` was done with an item."""
    parts = urlsplit(path)
    query = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != "did"]
    return f"{parts.path}?{urlencode([*query, ('did', f'{verb}.{number}.{value}')])}"


async def done_of(site: Site, text: str) -> Done | None:
    """The change that the address of a page names; None where its result does not hold any more."""
    verb, _, rest = text.partition(".")
    number, _, value = rest.partition(".")
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        return None
    item = await site.service.look(lambda models: items.item(models, int(number)))
    if item is None:
        return None
    if verb == "added":
        return _added(item)
    change = CHANGES.get(verb)
    if change is None or _STATES.get(verb, item.state) != item.state:
        return None
    return Done(change.done, item, change.undo, value)


def _added(item: Item) -> Done:
    is_open_todo = item.kind == TODO and item.state == "open"
    as_what = "to" if item.kind == TRACK else "as"
    return Done(f"Added {as_what} {item.kind} {item.position}", item, "cancel" if is_open_todo else "", "")
