"""The plan of a change, as the node announces it before the first step, and what it needs for the steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from ..host.values.step import Step
from .messages import Commit, EnvironmentName, Head, Message, Name, NodePath, TransactionId, Unit, Verb
from .shapes import Key, many, one_of


@dataclass(frozen=True)
class Running:
    """The release that runs, as far as a preview shows it."""

    commit: Commit
    config: Mapping[str, Any]
    digests: Mapping[str, str]


@dataclass(frozen=True)
class Replacement:
    """A log that replaces the present one."""

    name: Name
    length: int
    head: Head
    taken_from: tuple[EnvironmentName, ...]  # whose log has ended in this head
    last: Annotated[int, Key("said")]  # the position of the last event but starts and stops
    there: int | None  # that position in the present one; None if it is damaged
    there_head: Head | None
    archived: Annotated[int | None, Key("aside")]  # events of the present one
    newer: int | None  # of these, those behind the new one; None if it is no beginning of the present one
    begins: bool | None  # whether the present one is a beginning of the new one, as far as that is known
    flaw: str | None  # of the present one
    before_redaction: bool
    other: EnvironmentName | None = ""  # whose log it is, if of another environment: judged here


@dataclass(frozen=True)
class PlannedRedaction:
    """The positions of the events that a redaction changes."""

    changed: tuple[int, ...]


@dataclass(frozen=True)
class PlannedStep(Step):
    """A step of a plan; that of a revert may lack a reason."""

    verb: Verb


@dataclass(frozen=True)
class Plan(Message):
    """The steps of a change, with the facts that a person should know before the first of them."""

    type = "plan"
    steps: tuple[PlannedStep, ...]
    callers: Literal["nothing", "a pause", "an interruption"]  # the impact on them
    drop_ins: tuple[str, ...]
    stopped: bool
    before: Name | None  # the release that runs
    data: NodePath | None  # the directory of the environment's data
    release: Name | None
    changed_keys: tuple[str, ...]
    log: Replacement | None
    redaction: PlannedRedaction | None
    running: Annotated[Running | None, Key("manifest")]
    units: Mapping[Unit, tuple[str, ...]]  # the lines of the unit files there


@dataclass(frozen=True)
class Need(Message):
    """The parts of a release, or the log, that the node does not have."""

    type = "need"
    blobs: Annotated[tuple[str, ...], many(one_of("layer", "release", "log"), 3)]


@dataclass(frozen=True)
class Waiting(Message):
    """Another change holds the environment, and this one waits for its end."""

    type = "waiting"
    message: str


@dataclass(frozen=True)
class Attached(Message):
    """The same deploy runs already: its record follows."""

    type = "attached"
    id: TransactionId
    actor: str


@dataclass(frozen=True)
class Begun(Message):
    """The beginning of a transaction."""

    type = "transaction"
    id: TransactionId
    unit: Unit
