"""Todos, notes, tracks and decisions, and `evolve`, which applies an event to one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from services.domain import commands as c
from services.domain import events as e
from services.domain.tags import MOST_TAGS, tag_key, united

Key = int | str
"""The key of an item: its position; for a track also its `track_key`."""

TODO, NOTE, TRACK, DECISION = "todo", "note", "track", "decision"

STATES = {
    TODO: ("open", "done", "cancelled"),
    NOTE: ("kept",),
    TRACK: ("running", "stopped"),
    DECISION: ("proposed", "accepted", "rejected"),
}
"""The states of each kind, first that of a new item."""


@dataclass(frozen=True)
class Item:
    """A todo, a note, a track or a decision."""

    position: int
    """The position of the event that created it: its number."""
    kind: str
    state: str
    text: str
    """The text; of a track its name."""
    tags: tuple[str, ...]
    """In alphabetical order."""
    created: datetime
    """The time when it was said."""
    changed: datetime
    due: str | None = None
    """Of a todo: a day, or a moment in UTC."""
    rationale: str | None = None
    """Of a decision: why it was proposed."""
    entries: int = 0
    """Of a track: how many there are."""
    reason: str | None = None
    """Of a decision: why it was accepted, rejected or opened again the last time."""


def track_key(name: str) -> str:
    """A key that is the same for all spellings of a track's name."""
    return " ".join(tag_key(name).split())


def key_of(source: c.Command | e.Event) -> Key | None:
    """The key of the existing item that a command or an event is about; None where it is about none."""
    for name in ("todo", "decision", "thing"):
        number = getattr(source, name, None)
        if isinstance(number, int):
            return number
    track = getattr(source, "track", None)
    return None if track is None else track_key(track)


def evolve(item: Item | None, event: e.Event, position: int) -> Item | None:
    """Apply `event`, at `position` in the log, to the item that `key_of` names.

    An event about an unknown item changes nothing: what is in the log has happened.
    """
    begin = _BEGINNINGS.get(type(event))
    if begin is not None and (item is None or not isinstance(event, e.TrackStarted | e.TrackEntryAdded)):
        return begin(event, position)
    change = _CHANGES.get(type(event))
    if item is None or change is None:
        return item
    return replace(item, changed=event.time, **change(item, event))


def begins(event: e.Event) -> bool:
    """Whether such an event creates an item, where there is none yet."""
    return type(event) in _BEGINNINGS


def _new(event: e.Event, position: int, kind: str, text: str, **more: Any) -> Item:
    tags = tuple(sorted(united(getattr(event, "tags", ()))))
    began = getattr(event, "said_at", None) or event.time
    return Item(position, kind, STATES[kind][0], text, tags, began, began, **more)


_BEGINNINGS: dict[type[e.Event], Callable[[Any, int], Item]] = {
    e.TodoAdded: lambda event, at: _new(event, at, TODO, event.text, due=event.due),
    e.NoteTaken: lambda event, at: _new(event, at, NOTE, event.text),
    e.TrackStarted: lambda event, at: _new(event, at, TRACK, event.track),
    e.TrackEntryAdded: lambda event, at: _new(event, at, TRACK, event.track, entries=1),
    e.DecisionProposed: lambda event, at: _new(event, at, DECISION, event.text, rationale=event.rationale),
}

_CHANGES: dict[type[e.Event], Callable[[Item, Any], dict[str, Any]]] = {
    e.TodoCompleted: lambda _, __: {"state": "done"},
    e.TodoReopened: lambda _, __: {"state": "open"},
    e.TodoCancelled: lambda _, __: {"state": "cancelled"},
    e.TodoDueSet: lambda _, event: {"due": event.due},
    e.TrackStarted: lambda item, event: {"state": "running", "tags": _united(item.tags, event.tags)},
    e.TrackEntryAdded: lambda item, _: {"state": "running", "entries": item.entries + 1},
    e.TrackStopped: lambda _, __: {"state": "stopped"},
    e.DecisionAccepted: lambda _, event: {"state": "accepted", "reason": event.rationale},
    e.DecisionRejected: lambda _, event: {"state": "rejected", "reason": event.rationale},
    e.DecisionRevisited: lambda _, event: {"state": "proposed", "reason": event.rationale},
    e.TagAdded: lambda item, event: {"tags": _united(item.tags, (event.tag,))},
    e.TagRemoved: lambda item, event: {"tags": _without(item.tags, event.tag)},
}


def _united(tags: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    """The union, cut to MOST_TAGS: a message is never refused, and two callers may add tags at once."""
    return tuple(sorted(united(tags, more)[:MOST_TAGS]))


def _without(tags: tuple[str, ...], tag: str) -> tuple[str, ...]:
    return tuple(each for each in tags if tag_key(each) != tag_key(tag))
