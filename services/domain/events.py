"""The events: what has happened, for ever. `services.formats` says as what each is kept in the log.

What was added is known by the position that its event has in the log: the log itself numbers things. A track
is known by its name, since people say its name whenever they add to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Happened:
    """What every event has."""

    time: datetime
    """When it was recorded, with a time zone."""
    source: str
    """By which way it came, such as `api`."""


@dataclass(frozen=True)
class MessageRecorded(Happened):
    """Somebody told the service something."""

    text: str


@dataclass(frozen=True)
class TodoAdded(Happened):
    """There is something to do."""

    text: str
    due: str | None
    """A day (`2026-02-11`), or a moment (RFC 3339, UTC)."""
    tags: tuple[str, ...]


@dataclass(frozen=True)
class TodoCompleted(Happened):
    """It is done."""

    todo: int


@dataclass(frozen=True)
class TodoReopened(Happened):
    """It has to be done all the same, or again."""

    todo: int


@dataclass(frozen=True)
class TodoCancelled(Happened):
    """It will not be done."""

    todo: int


@dataclass(frozen=True)
class TodoDueSet(Happened):
    """It has to be done by another time, or by none."""

    todo: int
    due: str | None


@dataclass(frozen=True)
class NoteTaken(Happened):
    """Something is worth being found again."""

    text: str
    tags: tuple[str, ...]


@dataclass(frozen=True)
class TrackStarted(Happened):
    """Something is followed over time from now on."""

    track: str
    tags: tuple[str, ...]


@dataclass(frozen=True)
class TrackEntryAdded(Happened):
    """Something was noted on a track; one that is not there, or was stopped, starts with it."""

    track: str
    text: str


@dataclass(frozen=True)
class TrackStopped(Happened):
    """It is followed no more."""

    track: str


@dataclass(frozen=True)
class DecisionProposed(Happened):
    """Something may be decided."""

    text: str
    rationale: str | None
    tags: tuple[str, ...]


@dataclass(frozen=True)
class DecisionAccepted(Happened):
    """It is decided so."""

    decision: int
    rationale: str | None


@dataclass(frozen=True)
class DecisionRejected(Happened):
    """It is decided otherwise."""

    decision: int
    rationale: str | None


@dataclass(frozen=True)
class DecisionRevisited(Happened):
    """It is open again."""

    decision: int
    rationale: str | None


@dataclass(frozen=True)
class TagAdded(Happened):
    """Something is found under this word as well."""

    thing: int
    tag: str


@dataclass(frozen=True)
class TagRemoved(Happened):
    """Something is no longer found under this word."""

    thing: int
    tag: str


@dataclass(frozen=True)
class ServiceStarted(Happened):
    """A process of this release writes from here on."""

    release: str


@dataclass(frozen=True)
class ServiceStopped(Happened):
    """It has ended in good order."""

    release: str


@dataclass(frozen=True)
class SendingAnnounced(Happened):
    """Something is about to be sent: known before it goes out, so that it never goes out twice."""

    about: str
    """What it answers or says, such as `reply:123` or `reminder:45:2026-02-11`."""
    text: str


@dataclass(frozen=True)
class SendingDone(Happened):
    """What was announced at this position has gone out."""

    announced: int


@dataclass(frozen=True)
class SendingFailed(Happened):
    """What was announced at this position has certainly not gone out."""

    announced: int
    reason: str


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
    | SendingAnnounced
    | SendingDone
    | SendingFailed
)
