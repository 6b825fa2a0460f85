"""The commands: what somebody wants to happen."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What every command has."""

    source: str
    """By which way it came, such as `api`."""


@dataclass(frozen=True)
class RecordMessage(Wish):
    """Keep this text."""

    text: str


@dataclass(frozen=True)
class AddTodo(Wish):
    """Something is to be done; `due` is a day (`2026-02-11`) or a moment (RFC 3339, UTC)."""

    text: str
    due: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class CompleteTodo(Wish):
    """It is done."""

    todo: int


@dataclass(frozen=True)
class ReopenTodo(Wish):
    """It is not done, or is wanted after all."""

    todo: int


@dataclass(frozen=True)
class CancelTodo(Wish):
    """It will not be done."""

    todo: int


@dataclass(frozen=True)
class SetDue(Wish):
    """It has to be done by then; None: by no time."""

    todo: int
    due: str | None


@dataclass(frozen=True)
class TakeNote(Wish):
    """Keep it so that it is found again."""

    text: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class StartTrack(Wish):
    """Follow something over time."""

    track: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class AddEntry(Wish):
    """Note something on a track, which starts with it where it does not run."""

    track: str
    text: str


@dataclass(frozen=True)
class StopTrack(Wish):
    """Follow it no more."""

    track: str


@dataclass(frozen=True)
class ProposeDecision(Wish):
    """Something may be decided."""

    text: str
    rationale: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class AcceptDecision(Wish):
    """Decide it so. Without a rationale, the one of the proposal stays."""

    decision: int
    rationale: str | None = None


@dataclass(frozen=True)
class RejectDecision(Wish):
    """Decide against it. Without a rationale, the one of the proposal stays."""

    decision: int
    rationale: str | None = None


@dataclass(frozen=True)
class RevisitDecision(Wish):
    """Open a decision again."""

    decision: int
    rationale: str | None = None


@dataclass(frozen=True)
class AddTag(Wish):
    """Let it be found under this word as well."""

    thing: int
    tag: str


@dataclass(frozen=True)
class RemoveTag(Wish):
    """Let it no longer be found under this word."""

    thing: int
    tag: str


@dataclass(frozen=True)
class AnnounceSending(Wish):
    """This is about to be sent."""

    about: str
    text: str


@dataclass(frozen=True)
class NoteSent(Wish):
    """What was announced at this position has gone out."""

    announced: int


@dataclass(frozen=True)
class NoteUnsent(Wish):
    """What was announced at this position has certainly not gone out."""

    announced: int
    reason: str


Command = (
    RecordMessage
    | AddTodo
    | CompleteTodo
    | ReopenTodo
    | CancelTodo
    | SetDue
    | TakeNote
    | StartTrack
    | AddEntry
    | StopTrack
    | ProposeDecision
    | AcceptDecision
    | RejectDecision
    | RevisitDecision
    | AddTag
    | RemoveTag
    | AnnounceSending
    | NoteSent
    | NoteUnsent
)
