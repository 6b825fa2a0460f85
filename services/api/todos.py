"""Todos."""

from __future__ import annotations

import msgspec

from services.api.bodies import DUE, TAGS, WORDS, described, due_of
from services.api.kinds import SOURCE, Change, Kind, Nothing, tags_of
from services.domain import commands as c
from services.domain.items import TODO


class NewTodo(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a POST."""

    text: str
    due: str | None = None
    tags: tuple[str, ...] = ()


class NewDue(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a PUT."""

    due: str | None


EXAMPLE = '{"text": "buy milk", "due": "2026-02-11", "tags": ["home"]}'
DUE_EXAMPLE = '{"due": "2026-02-11"}'

KIND = Kind(
    TODO,
    NewTodo,
    lambda new: c.AddTodo(new.text, due_of(new.due), tags_of(new.tags), source=SOURCE),
    described(
        NewTodo,
        "A todo to add.",
        EXAMPLE,
        {"due": DUE, "tags": TAGS},
        text={**WORDS, "description": "The task."},
    ),
    EXAMPLE,
    (
        Change(
            "complete",
            "Complete a todo",
            "The todo must be open; else 409.",
            lambda item, _: c.CompleteTodo(item.position, source=SOURCE),
            Nothing,
        ),
        Change(
            "reopen",
            "Reopen a todo",
            "The todo must be done or cancelled; else 409.",
            lambda item, _: c.ReopenTodo(item.position, source=SOURCE),
            Nothing,
        ),
        Change(
            "cancel",
            "Cancel a todo",
            "The todo must be open; else 409.",
            lambda item, _: c.CancelTodo(item.position, source=SOURCE),
            Nothing,
        ),
        Change(
            "due",
            "Set or remove the due time of a todo",
            "The todo must be open; else 409.",
            lambda item, new: c.SetDue(item.position, due_of(new.due), source=SOURCE),
            NewDue,
            described(NewDue, "The due time of a todo.", DUE_EXAMPLE, {}, due=DUE),
            DUE_EXAMPLE,
            "put",
        ),
    ),
)
