"""Turn a command into an event, or refuse it by its input or by a rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from services.domain import commands as c
from services.domain import events as e
from services.domain.items import DECISION, TODO, TRACK, Item
from services.domain.tags import MOST_TAGS, has_tag, normal_tag, united

LONGEST_NAME = 100
"""Of a track, in characters."""

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@dataclass(frozen=True)
class Refusal:
    """Why a command makes nothing happen: what was expected and found, and what to do about it."""

    message: str
    hint: str = ""
    missing: bool = False
    """Whether what it is about does not exist."""


def event_of(command: c.Command, now: datetime) -> e.Event:
    """The event that `command` causes where it is not refused."""
    kind = _EVENTS[type(command)]
    made: e.Event = kind(time=now, **{name: getattr(command, name) for name in command.__struct_fields__})
    return made


def validate(command: c.Command) -> Refusal | None:
    """Validate the input of `command`: the refusal, None if it is valid."""
    for name in command.__struct_fields__:
        value = getattr(command, name)
        problem = _FIELDS[name](value) if name in _FIELDS and value is not None else None
        if problem is not None:
            return problem
    return None


def check_rules(item: Item | None, command: c.Command) -> Refusal | None:
    """Check `command` against the state of `item`: the refusal, None if it is allowed."""
    rule = _RULES.get(type(command))
    return None if rule is None else rule(item, command)


def _text(value: str) -> Refusal | None:
    return None if value.strip() else Refusal("expected a text, found nothing but white space")


def _name(value: str) -> Refusal | None:
    if not value.strip() or len(value) > LONGEST_NAME or value != " ".join(value.split()):
        return Refusal(
            f"expected a track's name of 1 to {LONGEST_NAME} characters on one line, without spaces around it"
        )
    return None


def due_problem(value: str) -> Refusal | None:
    """The problem of a due day or moment; None without one."""
    try:
        if _MOMENT.fullmatch(value):
            datetime.fromisoformat(value).astimezone(UTC)
        elif _DAY.fullmatch(value):  # the library takes 2026-W07-3 as well, which sorts behind every day
            date.fromisoformat(value)
        else:
            raise ValueError(value)
    except (ValueError, OverflowError):
        return Refusal(
            f"expected a day or a moment in UTC, found {value[:40]!r}", "2026-02-11, or 2026-02-11T17:00:00Z"
        )
    return None


def _tag(value: str) -> Refusal | None:
    if normal_tag(value) == value:
        return None
    return Refusal(
        f"expected a tag of 1 to 50 lower-case letters, digits, - and _, found {value[:60]!r}",
        "it begins with a letter or a digit",
    )


def _tags(values: tuple[str, ...]) -> Refusal | None:
    if len(values) > MOST_TAGS:
        return Refusal(f"expected at most {MOST_TAGS} tags, found {len(values)}")
    return next((problem for problem in map(_tag, values) if problem), None)


_FIELDS: Mapping[str, Callable[[Any], Refusal | None]] = {
    "text": _text,
    "rationale": _text,
    "track": _name,
    "due": due_problem,
    "tag": _tag,
    "tags": _tags,
}


def _in_state(kind: str, reference: str, *states: str) -> Callable[[Item | None, Any], Refusal | None]:
    """The rule that what `reference` names is a `kind` in one of `states`."""

    def rule(item: Item | None, command: Any) -> Refusal | None:
        named = getattr(command, reference)
        if item is None or item.kind != kind:
            hint = "" if item is None else f"{named} is a {item.kind}"
            return Refusal(f"there is no {kind} {named}", hint, missing=True)
        if item.state not in states:
            return Refusal(f"expected a {kind} that is {' or '.join(states)}; {named} is {item.state}")
        return None

    return rule


def _not_running(item: Item | None, command: Any) -> Refusal | None:
    if item is not None and item.state == "running":
        return Refusal(f"the track {item.text} runs already", "add an entry to it")
    # It keeps the tags it had when it was stopped.
    return None if item is None else _too_many(item, command.tags)


def _too_many(item: Item, more: tuple[str, ...]) -> Refusal | None:
    """The refusal of tags that `item` cannot have besides its own."""
    after = len(united(item.tags, more))
    if after <= max(MOST_TAGS, len(item.tags)):
        return None
    return Refusal(
        f"expected at most {MOST_TAGS} tags; {item.kind} {item.position} has {len(item.tags)} already"
    )


def _untagged(item: Item | None, command: Any) -> Refusal | None:
    if item is None:
        return Refusal(f"no item has the number {command.thing}", missing=True)
    if has_tag(item.tags, command.tag):
        return Refusal(f"{item.kind} {item.position} has the tag {command.tag} already")
    return _too_many(item, (command.tag,))


def _tagged(item: Item | None, command: Any) -> Refusal | None:
    if item is None:
        return Refusal(f"no item has the number {command.thing}", missing=True)
    if not has_tag(item.tags, command.tag):
        return Refusal(f"{item.kind} {item.position} has no tag {command.tag}", missing=True)
    return None


_RULES: Mapping[type[c.Command], Callable[[Item | None, Any], Refusal | None]] = {
    c.CompleteTodo: _in_state(TODO, "todo", "open"),
    c.ReopenTodo: _in_state(TODO, "todo", "done", "cancelled"),
    c.CancelTodo: _in_state(TODO, "todo", "open"),
    c.SetDue: _in_state(TODO, "todo", "open"),
    c.StartTrack: _not_running,
    c.StopTrack: _in_state(TRACK, "track", "running"),
    c.AcceptDecision: _in_state(DECISION, "decision", "proposed"),
    c.RejectDecision: _in_state(DECISION, "decision", "proposed"),
    c.RevisitDecision: _in_state(DECISION, "decision", "accepted", "rejected"),
    c.AddTag: _untagged,
    c.RemoveTag: _tagged,
}

_EVENTS: Mapping[type[c.Command], Callable[..., e.Event]] = {
    c.RecordMessage: e.MessageRecorded,
    c.AddTodo: e.TodoAdded,
    c.CompleteTodo: e.TodoCompleted,
    c.ReopenTodo: e.TodoReopened,
    c.CancelTodo: e.TodoCancelled,
    c.SetDue: e.TodoDueSet,
    c.TakeNote: e.NoteTaken,
    c.StartTrack: e.TrackStarted,
    c.AddEntry: e.TrackEntryAdded,
    c.StopTrack: e.TrackStopped,
    c.ProposeDecision: e.DecisionProposed,
    c.AcceptDecision: e.DecisionAccepted,
    c.RejectDecision: e.DecisionRejected,
    c.RevisitDecision: e.DecisionRevisited,
    c.AddTag: e.TagAdded,
    c.RemoveTag: e.TagRemoved,
    c.NoteMigration: e.ChatMigrated,
    c.AnnounceSending: e.SendingAnnounced,
    c.NoteSent: e.SendingDone,
    c.NoteUnsent: e.SendingFailed,
}
