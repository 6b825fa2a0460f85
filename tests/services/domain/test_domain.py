"""The domain: what may happen to what, and what becomes of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain import commands as c
from services.domain import events as e
from services.domain.decisions import LONGEST_NAME, Refusal, check_rules, event_of, validate
from services.domain.items import STATES, Item, Key, evolve, key_of
from services.domain.tags import MOST_TAGS, united

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def decide(item: Item | None, command: c.Command, now: datetime) -> tuple[e.Event, ...] | Refusal:
    """The events that a command causes, or its refusal."""
    return validate(command) or check_rules(item, command) or (event_of(command, now),)


def fold(events: Sequence[e.Event]) -> dict[int, Item]:
    """All things after these events, by their positions."""
    things: dict[int, Item] = {}
    for position, event in enumerate(events, 1):
        after = evolve(named(things, key_of(event)), event, position)
        if after is not None:
            things[after.position] = after
    return things


def named(things: dict[int, Item], key: Key | None) -> Item | None:
    if not isinstance(key, str):
        return None if key is None else things.get(key)
    found = [thing for thing in things.values() if thing.kind == "track"]
    return next((thing for thing in found if " ".join(thing.text.casefold().split()) == key), None)


def after(*commands: c.Command) -> Item | None:
    """The first thing, once these commands have been carried out."""
    events: list[e.Event] = []
    for command in commands:
        decided = decide(named(fold(events), key_of(command)), command, NOW)
        assert not isinstance(decided, Refusal), decided
        events += decided
    return fold(events).get(1)


def test_a_message_is_recorded_as_it_was_said() -> None:
    """The text is kept to the letter, with the time that was given."""
    events = decide(None, c.RecordMessage("  hi \n", source="api"), NOW)
    assert events == (e.MessageRecorded(NOW, "api", "  hi \n"),)


TODO, NOTE, TRACK = c.AddTodo("a", source="x"), c.TakeNote("a", source="x"), c.StartTrack("a", source="x")
DECISION = c.ProposeDecision("a", "why", source="x")
DONE, CANCELLED = c.CompleteTodo(1, source="x"), c.CancelTodo(1, source="x")
ACCEPTED, REJECTED = c.AcceptDecision(1, "so", source="x"), c.RejectDecision(1, source="x")
STOPPED = c.StopTrack("A", source="x")


@pytest.mark.parametrize(
    ("before", "command", "state"),
    [
        ([TODO], DONE, "done"),
        ([TODO], CANCELLED, "cancelled"),
        ([TODO], c.ReopenTodo(1, source="x"), None),
        ([TODO, DONE], DONE, None),
        ([TODO, DONE], CANCELLED, None),
        ([TODO, DONE], c.ReopenTodo(1, source="x"), "open"),
        ([TODO, CANCELLED], c.ReopenTodo(1, source="x"), "open"),
        ([TODO, DONE], c.SetDue(1, "2026-02-11", source="x"), None),
        ([NOTE], DONE, None),
        ([TRACK], STOPPED, "stopped"),
        ([TRACK], TRACK, None),
        ([TRACK, STOPPED], STOPPED, None),
        ([TRACK, STOPPED], TRACK, "running"),
        ([TRACK, STOPPED], c.AddEntry("a", "5 km", source="x"), "running"),
        ([DECISION], ACCEPTED, "accepted"),
        ([DECISION], REJECTED, "rejected"),
        ([DECISION], c.RevisitDecision(1, source="x"), None),
        ([DECISION, ACCEPTED], REJECTED, None),
        ([DECISION, ACCEPTED], c.RevisitDecision(1, "doubt", source="x"), "proposed"),
        ([TODO], ACCEPTED, None),
        ([TODO], c.AddTag(1, "home", source="x"), "open"),
        ([TODO], c.RemoveTag(1, "home", source="x"), None),
        ([TODO, c.AddTag(1, "home", source="x")], c.AddTag(1, "home", source="x"), None),
        ([TODO], c.AddTag(2, "home", source="x"), None),
    ],
    ids=str,
)
def test_what_may_become_of_what(before: list[c.Command], command: c.Command, state: str | None) -> None:
    """In each state, each command leads to one other state, or is refused."""
    thing = after(*before)
    assert thing is not None
    about = thing if key_of(command) in (1, "a") else None
    decided = decide(about, command, NOW)
    assert isinstance(decided, Refusal) == (state is None)
    if state is not None:
        found = after(*before, command)
        assert found is not None
        assert found.state == state


@pytest.mark.parametrize(
    ("commands", "reason"),
    [
        ([], None),
        ([ACCEPTED], "so"),
        ([REJECTED], None),
        ([ACCEPTED, c.RevisitDecision(1, source="x")], None),
        ([ACCEPTED, c.RevisitDecision(1, "anew", source="x")], "anew"),
        ([ACCEPTED, c.RevisitDecision(1, source="x"), REJECTED], None),
    ],
)
def test_a_reason_stands_beside_that_of_the_proposal(commands: list[c.Command], reason: str | None) -> None:
    """The reason of the last change never replaces that of the proposal."""
    decision = after(DECISION, *commands)
    assert decision is not None
    assert (decision.rationale, decision.reason) == ("why", reason)


def test_what_does_not_exist_is_told_apart() -> None:
    """From what is in the wrong state."""
    missing, wrong = decide(None, DONE, NOW), decide(after(TODO, DONE), DONE, NOW)
    assert isinstance(missing, Refusal)
    assert isinstance(wrong, Refusal)
    assert (missing.missing, wrong.missing) == (True, False)


@pytest.mark.parametrize(
    "command",
    [
        c.RecordMessage(" \n\u00a0", source="x"),
        c.AddTodo("", source="x"),
        c.AddTodo("a", "tomorrow", source="x"),
        c.AddTodo("a", "2026-02-30", source="x"),
        c.AddTodo("a", "20260211", source="x"),
        c.AddTodo("a", "2026-W07-3", source="x"),
        c.AddTodo("a", "2026-02-11T25:00:00Z", source="x"),
        c.AddTodo("a", "2026-02-11T17:00:00+01:00", source="x"),
        c.AddTodo("a", None, ("Home",), source="x"),
        c.AddTodo("a", None, ("",), source="x"),
        c.AddTodo("a", None, tuple(f"t{n}" for n in range(MOST_TAGS + 1)), source="x"),
        c.AddTag(1, "a b", source="x"),
        c.AddTag(1, "x" * 51, source="x"),
        c.StartTrack("x" * (LONGEST_NAME + 1), source="x"),
        c.StartTrack(" a", source="x"),
        c.AddEntry("a\nb", "x", source="x"),
        c.AddEntry("a", "  ", source="x"),
        c.ProposeDecision("a", " ", source="x"),
    ],
    ids=str,
)
def test_what_cannot_be_kept_is_refused(command: c.Command) -> None:
    """Whatever there is."""
    assert isinstance(decide(after(TODO), command, NOW), Refusal)


def test_as_many_tags_as_there_may_be() -> None:
    """And not one more, by whatever way."""
    full = after(c.AddTodo("a", None, tuple(f"t{n:02}" for n in range(MOST_TAGS)), source="x"))
    assert full is not None
    assert isinstance(decide(full, c.AddTag(1, "more", source="x"), NOW), Refusal)
    tags = tuple(f"t{n:02}" for n in range(MOST_TAGS))
    stopped = after(c.StartTrack("a", tags, source="x"), STOPPED)
    assert isinstance(decide(stopped, c.StartTrack("a", ("more",), source="x"), NOW), Refusal)
    assert not isinstance(decide(stopped, c.StartTrack("a", tags, source="x"), NOW), Refusal)


def test_messages_give_a_track_no_more_tags_than_that() -> None:
    """A message is kept whatever it says; of its tags there are as many as there is room for."""
    tags = tuple(f"t{n:02}" for n in range(MOST_TAGS - 1))
    begun = after(c.StartTrack("a", tags, source="x"))
    assert begun is not None
    full = evolve(begun, event_of(c.StartTrack("a", ("b", "a", "t00"), source="x"), NOW), 2)
    assert full is not None
    assert full.tags == ("b", *tags)
    more = evolve(full, event_of(c.AddTag(1, "more", source="x"), NOW), 3)
    assert more is not None
    assert more.tags == full.tags


NUMBERS, NAMES = st.integers(1, 12), st.sampled_from(["a", "A", "b  c", "b c"])
TAGS = st.sampled_from(["home", "größe", "grösse"])
COMMANDS = st.one_of(
    st.builds(
        c.AddTodo, st.just("t"), st.sampled_from([None, "2026-02-11"]), st.tuples(TAGS), source=st.just("x")
    ),
    st.builds(c.SetDue, NUMBERS, st.sampled_from([None, "2026-02-12"]), source=st.just("x")),
    *(
        st.builds(kind, NUMBERS, source=st.just("x"))
        for kind in (c.CompleteTodo, c.ReopenTodo, c.CancelTodo, c.AcceptDecision, c.RejectDecision)
    ),
    st.builds(c.RevisitDecision, NUMBERS, st.sampled_from([None, "r"]), source=st.just("x")),
    st.builds(c.TakeNote, st.just("n"), source=st.just("x")),
    st.builds(c.ProposeDecision, st.just("d"), source=st.just("x")),
    st.builds(c.StartTrack, NAMES, st.tuples(TAGS), source=st.just("x")),
    st.builds(c.StopTrack, NAMES, source=st.just("x")),
    st.builds(c.AddEntry, NAMES, st.just("e"), source=st.just("x")),
    st.builds(c.AddTag, NUMBERS, TAGS, source=st.just("x")),
    st.builds(c.RemoveTag, NUMBERS, TAGS, source=st.just("x")),
)
"""Any command on a small world, so that many of them meet."""

ONCE = (
    *(c.CompleteTodo, c.ReopenTodo, c.CancelTodo, c.StartTrack, c.StopTrack),
    *(c.AcceptDecision, c.RejectDecision, c.RevisitDecision, c.AddTag, c.RemoveTag),
)
"""What is refused when it has just been done."""


@given(st.lists(COMMANDS, max_size=30))
def test_any_sequence_of_commands(commands: list[c.Command]) -> None:
    """What was decided step by step is what the events say from the beginning; no rule is ever broken."""
    events: list[e.Event] = []
    things: dict[int, Item] = {}
    for number, command in enumerate(commands):
        now = NOW + timedelta(seconds=number)
        decided = decide(named(things, key_of(command)), command, now)
        if isinstance(decided, Refusal):
            assert decided.message
            continue
        assert decided == (event_of(command, now),)
        before = named(things, key_of(decided[0]))
        events += decided
        changed = evolve(before, decided[0], len(events))
        assert changed is not None
        assert changed != before
        things[changed.position] = changed
        if isinstance(command, ONCE):
            assert isinstance(decide(changed, command, now), Refusal)
    assert things == fold(events)
    for position, thing in things.items():
        assert thing.position == position
        assert thing.state in STATES[thing.kind]
        assert thing.created <= thing.changed
        assert thing.tags == tuple(sorted(united(thing.tags)))
