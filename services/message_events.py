"""The events of a message: that it was said, and what it means."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from services.dates import when
from services.domain.commands import Command, RecordMessage
from services.domain.decisions import event_of
from services.domain.events import Event, Spoken
from services.domain.grammar import parse_message
from services.domain.origin import Origin


def commands_of(message: RecordMessage, at: datetime) -> tuple[Command, ...]:
    """The commands of a message that is said `at` that time, in its time zone. The first records it."""
    return parse_message(message.text, message.source, at, when)


def events_of(
    message: RecordMessage, now: datetime, at: datetime, origin: Origin | None, *, understand: bool
) -> tuple[list[Event], Command]:
    """The events that a message makes at the time `now`, and the last of the commands that they come from.

    Dates are understood as of `at`, in its time zone. Without `understand` a message means but itself.
    """
    commands = commands_of(message, at) if understand else (message,)
    events = [event_of(command, now) for command in commands]
    if at != now:
        events = [replace(event, said_at=at) if isinstance(event, Spoken) else event for event in events]
    if origin is not None:
        events = [replace(events[0], origin=origin), *events[1:]]
    return events, commands[-1]
