"""The record of a transaction, as the node relays it line by line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from ..host.values.members import Verb
from ..host.values.shapes import shape_of, whole
from .messages import NO_FACTS, Facts, Message
from .plan import PlannedStep


@dataclass(frozen=True)
class Entry:
    """An entry of the record; of those that show nothing here, the event is all."""

    event: str


@dataclass(frozen=True)
class StepBegun(Entry):
    """The beginning of a step."""

    state: Literal["begin", "done"]
    verb: Verb
    title: str


@dataclass(frozen=True)
class StepDone(StepBegun):
    """The end of a step."""

    seconds: float
    remark: str
    facts: Facts = NO_FACTS
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Failed(Entry):
    """The failure of a step."""

    title: str
    details: tuple[str, ...]
    cancelled: bool = False


@dataclass(frozen=True)
class Cancel(Entry):
    """The cancel of the change."""

    by: str


@dataclass(frozen=True)
class Revert(Entry):
    """The beginning of a revert."""

    steps: tuple[PlannedStep, ...]


@dataclass(frozen=True)
class RevertFailed(Entry):
    """The failure of a revert."""

    message: str
    details: tuple[str, ...]


@dataclass(frozen=True)
class Attempt(Entry):
    """The beginning of an attempt."""

    number: Annotated[int, whole(1, 100)]


ENTRIES = {
    "cancel": Cancel,
    "failed": Failed,
    "revert": Revert,
    "revert-failed": RevertFailed,
    "attempt": Attempt,
}


def _entry(value: Any) -> Entry:
    event = shape_of(Entry)(value).event
    step = StepDone if value.get("state") == "done" else StepBegun
    entry: Entry = shape_of(step if event == "step" else ENTRIES.get(event, Entry))(value)
    return entry


@dataclass(frozen=True)
class Record(Message):
    """A line of the record of a transaction."""

    type = "record"
    entry: Annotated[Entry, _entry]
