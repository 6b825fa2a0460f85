"""The plan of a change, as the node announces it before the first step, and what it needs for the steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from ..host.values.answers import Replacement
from ..host.values.members import Commit, Name, NodePath, TransactionId, Unit, Verb
from ..host.values.shapes import Key, many, one_of
from ..host.values.step import Step
from .messages import Message


@dataclass(frozen=True)
class ReleaseFacts:
    """A release, as far as its differences from another one depend on it."""

    commit: Commit
    config: Mapping[str, Any]
    digests: Mapping[str, str]
    dirty: bool = False


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
    log: Replacement | None
    redaction: PlannedRedaction | None
    running: Annotated[ReleaseFacts | None, Key("manifest")]
    desired: ReleaseFacts | None  # the release that is to run
    units: Mapping[Unit, tuple[str, ...]]  # the lines of the unit files there
    desired_units: Mapping[Unit, tuple[str, ...]]  # those of a release that the node has


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
