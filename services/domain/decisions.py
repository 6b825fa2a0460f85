"""decide: what a command makes happen. evolve: what an event makes of the state."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from services.domain.commands import Command
from services.domain.events import Event, MessageRecorded


@dataclass(frozen=True)
class State:
    """As much of the past as decisions need."""

    messages: int = 0


@dataclass(frozen=True)
class Refusal:
    """Why a command makes nothing happen: what was expected and found, and what to do about it."""

    message: str
    hint: str = ""


def decide(state: State, command: Command, now: datetime) -> tuple[Event, ...] | Refusal:  # noqa: ARG001
    """The events that `command` causes at the time `now`, or why there are none."""
    if not command.text.strip():
        return Refusal("expected a text, found nothing but white space")
    return (MessageRecorded(time=now, text=command.text, source=command.source),)


def evolve(state: State, event: Event) -> State:  # noqa: ARG001 - there is one kind of event so far
    """The state after `event`."""
    return replace(state, messages=state.messages + 1)
