"""The events: facts that stay for ever. `services.formats` has the version of each in the log.

What was added is known by the position that its event has in the log: the log itself numbers things. A track
is known by its name, since people say its name whenever they add to it.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from services.domain.origin import Origin


class BaseEvent(Struct, frozen=True):
    """The members of every event."""

    time: datetime
    """When it was recorded, with a time zone."""
    source: str
    """By which way it came, such as `api`."""


class Spoken(BaseEvent, frozen=True, kw_only=True):
    """A message of a person, said perhaps before it could be recorded."""

    said_at: datetime | None = None
    """When it was said; None: when it was recorded."""


class MessageRecorded(Spoken, frozen=True):
    """A message was recorded."""

    text: str
    origin: Origin | None = None
    """The chat message that it came from, if any."""


class TodoAdded(Spoken, frozen=True):
    """There is something to do."""

    text: str
    due: str | None
    """A day (`2026-02-11`), or a moment (RFC 3339, UTC)."""
    tags: tuple[str, ...]


class TodoCompleted(BaseEvent, frozen=True):
    """It is done."""

    todo: int


class TodoReopened(BaseEvent, frozen=True):
    """It has to be done all the same, or again."""

    todo: int


class TodoCancelled(BaseEvent, frozen=True):
    """It will not be done."""

    todo: int


class TodoDueSet(BaseEvent, frozen=True):
    """It has to be done by another time, or by none."""

    todo: int
    due: str | None


class NoteTaken(Spoken, frozen=True):
    """Something is worth being found again."""

    text: str
    tags: tuple[str, ...]


class TrackStarted(Spoken, frozen=True):
    """Something is followed over time from now on."""

    track: str
    tags: tuple[str, ...]


class TrackEntryAdded(Spoken, frozen=True):
    """Something was noted on a track; one that is not there, or was stopped, starts with it."""

    track: str
    text: str


class TrackStopped(BaseEvent, frozen=True):
    """It is followed no more."""

    track: str


class DecisionProposed(Spoken, frozen=True):
    """Something may be decided."""

    text: str
    rationale: str | None
    tags: tuple[str, ...]


class DecisionAccepted(BaseEvent, frozen=True):
    """It is decided so."""

    decision: int
    rationale: str | None


class DecisionRejected(BaseEvent, frozen=True):
    """It is decided otherwise."""

    decision: int
    rationale: str | None


class DecisionRevisited(BaseEvent, frozen=True):
    """It is open again."""

    decision: int
    rationale: str | None


class TagAdded(BaseEvent, frozen=True):
    """Something is found under this word as well."""

    thing: int
    tag: str


class TagRemoved(BaseEvent, frozen=True):
    """Something is no longer found under this word."""

    thing: int
    tag: str


class ServiceStarted(BaseEvent, frozen=True):
    """A process of this release writes from here on."""

    release: str


class ServiceStopped(BaseEvent, frozen=True):
    """It has ended in good order."""

    release: str


class ChatMigrated(BaseEvent, frozen=True):
    """A chat has another id from now on: a group has become a supergroup."""

    chat: int
    to: int


class SendingAnnounced(BaseEvent, frozen=True):
    """Something is about to be sent: known before it goes out, so that it never goes out twice."""

    about: str
    """The subject of the message, such as `reply:123` or `reminder:45:2026-02-11`."""
    text: str


class SendingDone(BaseEvent, frozen=True):
    """The message announced at this position was sent."""

    announced: int


class SendingFailed(BaseEvent, frozen=True):
    """The message announced at this position was certainly not sent."""

    announced: int
    reason: str


class EventRedacted(BaseEvent, frozen=True):
    """The words of an event were replaced in the log, and every hash from there on was made anew."""

    position: int
    """Of the event that was to be redacted."""
    positions: tuple[int, ...]
    """Of all events whose words were replaced: that one, and those that repeated it."""
    by: str
    reason: str
    old_head: str
    """The hash of the last record in front of this one, before the redaction."""
    new_head: str
    """The hash of the same record after it."""


Event = (
    MessageRecorded
    | TodoAdded
    | TodoCompleted
    | TodoReopened
    | TodoCancelled
    | TodoDueSet
    | NoteTaken
    | TrackStarted
    | TrackEntryAdded
    | TrackStopped
    | DecisionProposed
    | DecisionAccepted
    | DecisionRejected
    | DecisionRevisited
    | TagAdded
    | TagRemoved
    | ServiceStarted
    | ServiceStopped
    | ChatMigrated
    | SendingAnnounced
    | SendingDone
    | SendingFailed
    | EventRedacted
)
