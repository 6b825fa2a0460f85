"""What is to be done."""

from __future__ import annotations

import msgspec

from services.api.bodies import DUE, TAGS, WORDS, described, due_of
from services.api.things import SOURCE, Change, Kind, Nothing, tags_of
from services.domain import commands as c
from services.domain.things import TODO


class NewTodo(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a POST."""

    text: str
    due: str | None = None
    tags: tuple[str, ...] = ()


class Due(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a PUT."""

    due: str | None


KIND = Kind(
    TODO,
    NewTodo,
    lambda new: c.AddTodo(new.text, due_of(new.due), tags_of(new.tags), source=SOURCE),
    described({"due": DUE, "tags": TAGS}, text=WORDS),
    '{"text": "buy milk", "due": "2026-02-11", "tags": ["home"]}',
    (
        Change(
            "complete",
            "It is done",
            lambda thing, _: c.CompleteTodo(thing.position, source=SOURCE),
            Nothing,
        ),
        Change(
            "reopen",
            "It is not done, or is wanted after all",
            lambda thing, _: c.ReopenTodo(thing.position, source=SOURCE),
            Nothing,
        ),
        Change(
            "cancel",
            "It will not be done",
            lambda thing, _: c.CancelTodo(thing.position, source=SOURCE),
            Nothing,
        ),
        Change(
            "due",
            "It has to be done by then, or by no time",
            lambda thing, new: c.SetDue(thing.position, due_of(new.due), source=SOURCE),
            Due,
            described({}, due=DUE),
            '{"due": "2026-02-11"}',
            "put",
        ),
    ),
)
