"""The commands: what somebody wants to happen."""

from __future__ import annotations

from msgspec import Struct


class Wish(Struct, frozen=True, kw_only=True):
    """What every command has."""

    source: str
    """By which way it came, such as `api`."""


class RecordMessage(Wish, frozen=True):
    """Keep this text."""

    text: str


class AddTodo(Wish, frozen=True):
    """Something is to be done; `due` is a day (`2026-02-11`) or a moment (RFC 3339, UTC)."""

    text: str
    due: str | None = None
    tags: tuple[str, ...] = ()


class CompleteTodo(Wish, frozen=True):
    """It is done."""

    todo: int


class ReopenTodo(Wish, frozen=True):
    """It is not done, or is wanted after all."""

    todo: int


class CancelTodo(Wish, frozen=True):
    """It will not be done."""

    todo: int


class SetDue(Wish, frozen=True):
    """It has to be done by then; None: by no time."""

    todo: int
    due: str | None


class TakeNote(Wish, frozen=True):
    """Keep it so that it is found again."""

    text: str
    tags: tuple[str, ...] = ()


class StartTrack(Wish, frozen=True):
    """Follow something over time."""

    track: str
    tags: tuple[str, ...] = ()


class AddEntry(Wish, frozen=True):
    """Note something on a track, which starts with it where it does not run."""

    track: str
    text: str


class StopTrack(Wish, frozen=True):
    """Follow it no more."""

    track: str


class ProposeDecision(Wish, frozen=True):
    """Something may be decided."""

    text: str
    rationale: str | None = None
    tags: tuple[str, ...] = ()


class AcceptDecision(Wish, frozen=True):
    """Decide it so. The rationale stands beside the one of the proposal."""

    decision: int
    rationale: str | None = None


class RejectDecision(Wish, frozen=True):
    """Decide against it. The rationale stands beside the one of the proposal."""

    decision: int
    rationale: str | None = None


class RevisitDecision(Wish, frozen=True):
    """Open a decision again."""

    decision: int
    rationale: str | None = None


class AddTag(Wish, frozen=True):
    """Let it be found under this word as well."""

    thing: int
    tag: str


class RemoveTag(Wish, frozen=True):
    """Let it no longer be found under this word."""

    thing: int
    tag: str


class NoteMigration(Wish, frozen=True):
    """This chat has another id from now on."""

    chat: int
    to: int


class AnnounceSending(Wish, frozen=True):
    """This is about to be sent."""

    about: str
    text: str


class NoteSent(Wish, frozen=True):
    """What was announced at this position has gone out."""

    announced: int


class NoteUnsent(Wish, frozen=True):
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
    | NoteMigration
    | AnnounceSending
    | NoteSent
    | NoteUnsent
)
