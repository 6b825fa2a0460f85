"""Questions to a node that change nothing, and its answers: status, history and verification."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

from ..host.values.answers import ArchivedLog, InstalledRelease, VerifiedLog
from ..host.values.layout import ENVIRONMENTS
from ..host.values.members import EnvironmentName, Moment
from ..host.values.promoted import Promoted
from ..host.values.shapes import Key, Misshapen, many, mapping, optional, shape_of, text
from ..settings import Settings
from .connection import Connection
from .messages import Hello, Message, unexpected


@dataclass(frozen=True)
class Changing:
    """The holder of an environment's lock, as far as its note could be read."""

    actor: str | None = None
    verb: str | None = None
    transaction: str | None = None
    since: Moment | None = None
    phase: str | None = None  # the title of the present step
    process: str | None = None


@dataclass(frozen=True)
class Bot:
    """The report of a service on its bot."""

    state: str
    bot: str | None
    reason: str | None
    last_poll: str | None


@dataclass(frozen=True)
class Log:
    """The event log of an environment."""

    length: int
    head: str
    last: Annotated[Any, Key("said")]  # for programs


@dataclass(frozen=True)
class State:
    """The state of an environment; members that only programs read have any shape."""

    environment: EnvironmentName
    state: Annotated[str, text(40)]
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    unfinished: tuple[str, ...]  # transactions
    release: str | None
    current: str | None
    previous: str | None
    commit: str | None
    subject: str | None
    listen: str | None
    unit: str
    user: str
    data: str
    journal: str
    pid: int | None
    memory: int | None
    since: Moment | None
    bot: Bot | None
    starts_on_boot: bool
    log: Log | None
    archived_logs: Annotated[tuple[ArchivedLog, ...], Key("kept_logs")]
    installed: Annotated[tuple[InstalledRelease, ...], Key("kept")]
    dependencies: Mapping[Literal["bytes"], int]  # of all its releases
    changing: Changing | None
    answers_as: Any
    restarts: Any
    releases: Any
    drop_ins: Any


@dataclass(frozen=True)
class Status(Message):
    """The states of environments."""

    environments: Annotated[tuple[State, ...], many(shape_of(State), len(ENVIRONMENTS))]


@dataclass(frozen=True)
class Redacted:
    """The redaction of a change; the rest of it is for programs."""

    position: int
    because: str
    at: Any = None
    changed: Any = None
    length: Any = None
    new_head: Any = None
    old_head: Any = None


@dataclass(frozen=True)
class Line:
    """A line of the audit, from the start or the end of a change. An older version left some of it out."""

    event: str
    at: Moment
    transaction: str
    environment: str
    verb: str
    outcome: str | None = None
    before: str | None = None
    after: str | None = None
    reason: str | None = None
    goal: Annotated[str | None, Key("wanted")] = None  # a release or a log
    seconds: float | None = None
    actor: Annotated[Mapping[str, str] | None, optional(mapping(text(), text(), 10))] = None
    position: int | None = None
    head: str | None = None
    deleted: bool | None = None
    redacted: Redacted | None = None
    promoted: Promoted | None = None
    override: str | None = None


def _line(value: Any) -> Line | None:
    """A line of the audit; None for a damaged line, which must not hide the others."""
    try:
        line: Line = shape_of(Line)(value)
    except Misshapen:
        return None
    is_whole = line.event == "start" or line.outcome is not None
    return line if is_whole and (line.head is None or line.position is not None) else None


@dataclass(frozen=True)
class RecordEntry:
    """An entry of the record of a change, as far as it is shown."""

    event: str
    at: Moment
    state: str | None = None
    verb: str | None = None
    title: str | None = None
    reason: str | None = None
    remark: str | None = None
    message: str | None = None
    target: tuple[str, ...] | None = None
    seconds: float | None = None
    details: tuple[str, ...] | None = None
    observed: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class History(Message):
    """The lines of the audit, and the record of one change."""

    lines: Annotated[tuple[Line | None, ...], many(_line, 100_000)]
    first_bad: int | None  # the number of the first line that does not fit the chain
    record: tuple[RecordEntry, ...] | None = None


@dataclass(frozen=True)
class Audit:
    """The end of the audit; `known` is the hash of the line that was asked about."""

    length: int
    first_bad: int | None
    head: str | None
    known: str | None


@dataclass(frozen=True)
class Verification(Message):
    """The audit and the event logs, verified."""

    audit: Audit
    environments: Annotated[tuple[VerifiedLog, ...], many(shape_of(VerifiedLog), len(ENVIRONMENTS))]


A = TypeVar("A", Status, Verification)


def ask_about(settings: Settings, node: str, names: list[str], expected: type[A], **request: Any) -> A:
    """Ask a node about environments, and return its answer, which is about these, in this order.

    Raises `DeployError` where the node refuses the question, or answers anything else.
    """
    with Connection(settings, node) as connection:
        connection.answer(Hello)
        connection.say(environments=names, **request)
        answer = connection.answer(expected)
    if [item.environment for item in answer.environments] != names:
        raise unexpected(node, "about other environments than those asked for")
    return answer
