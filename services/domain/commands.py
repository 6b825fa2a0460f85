"""The commands: what somebody wants to happen."""

from __future__ import annotations

from msgspec import Struct


class BaseCommand(Struct, frozen=True, kw_only=True):
    """The members of every command."""

    source: str
    """By which way it came, such as `api`."""


class RecordMessage(BaseCommand, frozen=True):
    """Keep this text."""

    text: str


class AddTodo(BaseCommand, frozen=True):
    """Something is to be done; `due` is a day (`2026-02-11`) or a moment (RFC 3339, UTC)."""

    text: str
    due: str | None = None
    tags: tuple[str, ...] = ()


class CompleteTodo(BaseCommand, frozen=True):
    """It is done."""

    todo: int


class ReopenTodo(BaseCommand, frozen=True):
    """It is not done, or is wanted after all."""

    todo: int


class CancelTodo(BaseCommand, frozen=True):
    """It will not be done."""

    todo: int


class SetDue(BaseCommand, frozen=True):
    """It has to be done by then; None: by no time."""

    todo: int
    due: str | None


class TakeNote(BaseCommand, frozen=True):
    """Keep it so that it is found again."""

    text: str
    tags: tuple[str, ...] = ()


class StartTrack(BaseCommand, frozen=True):
    """Follow something over time."""

    track: str
    tags: tuple[str, ...] = ()


class AddEntry(BaseCommand, frozen=True):
    """Note something on a track, which starts with it where it does not run."""

    track: str
    text: str


class StopTrack(BaseCommand, frozen=True):
    """Follow it no more."""

    track: str


class ProposeDecision(BaseCommand, frozen=True):
    """Something may be decided."""

    text: str
    rationale: str | None = None
    tags: tuple[str, ...] = ()


class AcceptDecision(BaseCommand, frozen=True):
    """Decide it so. The rationale stands beside the one of the proposal."""

    decision: int
    rationale: str | None = None


class RejectDecision(BaseCommand, frozen=True):
    """Decide against it. The rationale stands beside the one of the proposal."""

    decision: int
    rationale: str | None = None


class RevisitDecision(BaseCommand, frozen=True):
    """Open a decision again."""

    decision: int
    rationale: str | None = None


class AddTag(BaseCommand, frozen=True):
    """Let it be found under this word as well."""

    thing: int
    tag: str


class RemoveTag(BaseCommand, frozen=True):
    """Let it no longer be found under this word."""

    thing: int
    tag: str


class NoteMigration(BaseCommand, frozen=True):
    """This chat has another id from now on."""

    chat: int
    to: int


class AnnounceSending(BaseCommand, frozen=True):
    """This is about to be sent."""

    about: str
    text: str


class NoteSent(BaseCommand, frozen=True):
    """Note that the message announced at this position was sent."""

    announced: int


class NoteUnsent(BaseCommand, frozen=True):
    """Note that the message announced at this position was certainly not sent."""

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
