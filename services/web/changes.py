"""Changes of items: the forms of pages as commands, and what undoes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from msgspec import Struct

from services.dates import when
from services.domain import commands as c
from services.domain.items import DECISION, TODO, TRACK, Item
from services.domain.tags import normal_tag
from services.refusals import RefusedError
from services.web.site import SOURCE

Make = Callable[[Item, str, datetime], c.Command]
"""Makes a command from an item, the field `value` of the form and the present time."""


class Change(Struct, frozen=True):
    """One thing that can be done with an item."""

    label: str
    done: str
    """The words of the page afterwards."""
    command: Make | None
    """None for a snooze, which is a use case of its own."""
    undo: str
    """The verb that undoes it."""
    value: Callable[[Item, str], str] = lambda _item, _value: ""
    """The field `value` of the form that undoes it, from the item as it was before, and from this value."""


def _due(item: Item, value: str, now: datetime) -> c.Command:
    text = value.strip()
    due = when(text, now) if text else None
    if text and due is None:
        raise RefusedError(
            f"did not understand {text[:60]!r} as a time", "such as tomorrow, fri 17:00 or 2026-02-11"
        )
    return c.SetDue(item.position, due, source=SOURCE)


def _tag(value: str) -> str:
    tag = normal_tag(value.strip())
    if tag is None:
        raise RefusedError(f"expected a tag, found {value[:60]!r}", "letters, digits, - and _")
    return tag


def _reason(value: str) -> str | None:
    return value.strip() or None


CHANGES: Mapping[str, Change] = {
    "complete": Change(
        "Done", "Done", lambda item, _, __: c.CompleteTodo(item.position, source=SOURCE), "reopen"
    ),
    "reopen": Change(
        "Open again", "Open again", lambda item, _, __: c.ReopenTodo(item.position, source=SOURCE), "complete"
    ),
    "cancel": Change(
        "Cancel", "Cancelled", lambda item, _, __: c.CancelTodo(item.position, source=SOURCE), "reopen"
    ),
    "due": Change("Set due", "Due changed", _due, "due", lambda item, _: item.due or ""),
    "snooze": Change("Snooze", "Snoozed", None, "due", lambda item, _: item.due or ""),
    "accept": Change(
        "Accept",
        "Accepted",
        lambda item, value, _: c.AcceptDecision(item.position, _reason(value), source=SOURCE),
        "revisit",
    ),
    "reject": Change(
        "Reject",
        "Rejected",
        lambda item, value, _: c.RejectDecision(item.position, _reason(value), source=SOURCE),
        "revisit",
    ),
    "revisit": Change(
        "Decide again",
        "To be decided again",
        lambda item, value, _: c.RevisitDecision(item.position, _reason(value), source=SOURCE),
        "",
    ),
    "stop": Change("Stop", "Stopped", lambda item, _, __: c.StopTrack(item.text, source=SOURCE), "start"),
    "start": Change(
        "Start again", "Started", lambda item, _, __: c.StartTrack(item.text, (), source=SOURCE), "stop"
    ),
    "entry": Change(
        "Add", "Entry added", lambda item, value, _: c.AddEntry(item.text, value.strip(), source=SOURCE), ""
    ),
    "tag": Change(
        "Add tag",
        "Tag added",
        lambda item, value, _: c.AddTag(item.position, _tag(value), source=SOURCE),
        "untag",
        lambda _, value: value,
    ),
    "untag": Change(
        "Remove tag",
        "Tag removed",
        lambda item, value, _: c.RemoveTag(item.position, _tag(value), source=SOURCE),
        "tag",
        lambda _, value: value,
    ),
}

OFFERED: Mapping[tuple[str, str], tuple[str, ...]] = {
    (TODO, "open"): ("complete", "snooze", "due", "cancel"),
    (TODO, "done"): ("reopen",),
    (TODO, "cancelled"): ("reopen",),
    (DECISION, "proposed"): ("accept", "reject"),
    (DECISION, "accepted"): ("revisit",),
    (DECISION, "rejected"): ("revisit",),
    (TRACK, "running"): ("entry", "stop"),
    (TRACK, "stopped"): ("start",),
}
"""The changes of an item of a kind in a state, besides tags."""
