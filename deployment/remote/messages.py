"""The messages of a node: each with the shape that it must have. Nothing else of them reaches this machine.

A node may be taken over, and the program that answers there need not be the one that was sent. So each id
matches its pattern, each number and list has bounds, and unknown members are dropped.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal, TypeVar

from ..errors import Unexpected
from ..host.values.check import Check
from ..host.values.members import (
    Digit,
    EnvironmentName,
    Hash,
    Head,
    Moment,
    Name,
    NodePath,
    Short,
    TransactionId,
    Verb,
)
from ..host.values.shapes import Key, Misshapen, matching, shape_of, text

LONGEST = 16 << 20  # bytes of one message: thousands of lines of the audit
MOST = 20_000  # messages of one conversation

Outcome = Literal["done", "nothing", "planned", "refused", "failed", "hands", "abandoned"]


class Message:
    """A message of the node, by its type on the wire: a result that is `done`, if it names none."""

    type: ClassVar[str] = "result"


M = TypeVar("M", bound=Message)


@dataclass(frozen=True)
class Program(Message):
    """The request for the host half, by a node that lacks it; with the byte code that its Python reads."""

    type = "program"
    byte_code: Annotated[str, matching(r"[0-9a-f]{0,32}", "a70d0d0a")] = ""


@dataclass(frozen=True)
class Hello(Message):
    """The facts about the node that the dependencies of a release depend on."""

    type = "hello"
    python: tuple[Digit, Digit]
    pinned: bool
    machine: Annotated[str, matching(r"[0-9A-Za-z_]{1,32}", "x86_64")]
    libc: tuple[Short, Short]


@dataclass(frozen=True)
class TakenBackup:
    """A backup, by its line in the audit."""

    at: Moment
    by: str
    position: int


@dataclass(frozen=True)
class Facts:
    """The results of steps: of a restore, of a rebuild, of a redaction."""

    replaced: Annotated[NodePath | None, Key("kept")] = None  # the archive of the log of before
    newer: int | None = -1  # events in it that are newer than the restored log; None if that is not known
    file: str | None = None
    position: int | None = None
    digest: Hash | None = None
    changed: tuple[int, ...] | None = None
    at: int | None = None
    length: int | None = None
    old_head: Hash | None = None
    new_head: Hash | None = None
    elsewhere: tuple[int, ...] | None = None
    archived: tuple[NodePath, ...] | None = None
    backups: tuple[TakenBackup, ...] | None = None

    def joined(self, later: Facts) -> Facts:
        """These facts, with those of a later step."""
        return replace(
            self, **{name: item for name, item in vars(later).items() if item != getattr(Facts, name)}
        )


NO_FACTS = Facts()


@dataclass(frozen=True)
class Result(Message):
    """The result of a change, or the refusal of a request."""

    outcome: Outcome
    message: str = ""
    hint: str = ""
    details: tuple[str, ...] = ()
    before: Name | None = ""  # a release; empty if the node does not say
    after: Name | None = None
    state: str | None = None  # before the change
    facts: Facts = NO_FACTS


@dataclass(frozen=True)
class CancelledChange:
    """A change that was cancelled; one without a transaction had not begun."""

    verb: Verb
    actor: str
    message: str
    transaction: TransactionId | None = None


@dataclass(frozen=True)
class Cancelling(Message):
    """A change that is cancelled, and is about to end."""

    type = "cancelling"
    change: str


@dataclass(frozen=True)
class Cancellation(Message):
    """All changes that were cancelled, and why another one was not."""

    changes: tuple[CancelledChange, ...]
    remark: str = ""


@dataclass(frozen=True)
class Backup(Message):
    """A verified copy of the log, whose bytes follow."""

    type = "backup"
    size: int
    release: Name
    position: int
    hash: Head


@dataclass(frozen=True)
class Sent(Message):
    """The digest of the bytes that were sent."""

    sha256: Hash


@dataclass(frozen=True)
class Done(Message):
    """The end of an answer in several messages."""


@dataclass(frozen=True)
class Stream(Message):
    """The beginning of the journal, whose bytes follow."""

    type = "stream"


@dataclass(frozen=True)
class Clock(Message):
    """The time of the node."""

    type = "clock"
    at: Moment


@dataclass(frozen=True)
class Finding(Check):
    """A check of the node's."""

    name: Short
    level: Literal["ok", "warn", "bad"]
    text: Annotated[str, Key("found")]


@dataclass(frozen=True)
class Checks(Message):
    """Checks of an environment, or of the node."""

    type = "checks"
    environment: EnvironmentName | None
    checks: tuple[Finding, ...]


def parse(node: str, line: bytes, expected: tuple[type[M], ...]) -> M | Result:
    """Return a line of the node as one of the expected messages.

    A result that is not `done` is expected at any time: the node refuses or reports a failure with it.
    Raises `DeployError` for anything else.
    """
    try:
        value = json.loads(line)
        kind = value.get("type") if isinstance(value, dict) else None
    except (ValueError, RecursionError):
        raise unexpected(node, "a line that is no JSON object") from None
    known: dict[str, object] = {message.type: message for message in expected}
    if kind == Result.type and value.get("outcome") != "done":
        known[Result.type] = Result
    if not isinstance(kind, str) or kind not in known:
        shown = text(40)(kind[:40]) if isinstance(kind, str) else "a message without a type"
        raise unexpected(node, f"{shown!r}, not {' or '.join(known) or 'its program'}")
    try:
        message: M | Result = shape_of(known[kind])(value)
    except Misshapen as error:
        raise unexpected(node, f"{kind!r} with a fault: {error}") from None
    return message


def unexpected(node: str, answer: str) -> Unexpected:
    """The error for a node that answers other than our program does."""
    return Unexpected(
        f"{node} answered {answer}.",
        "its program does not do this: find out who has changed the node, or what is between",
    )


def is_name(value: str) -> bool:
    """Whether a text is the name of an account, as a login may print it."""
    return re.fullmatch(r"[A-Za-z_][0-9A-Za-z_.@-]{0,99}\$?", value) is not None
