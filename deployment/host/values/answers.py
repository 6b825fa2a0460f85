"""Parts of a node's answers: the host half makes them, and the operator's half checks them by their types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from .members import EnvironmentName, Head, Moment, Name
from .shapes import Key


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
class ArchivedLog:
    """An event log that a restore replaced."""

    name: str
    bytes: int
    written_at: Moment | None
    path: str


@dataclass(frozen=True)
class InstalledRelease:
    """A release on the node."""

    id: str
    deployed_at: Moment | None  # None for a release that never came up
    bytes: int
    intact: bool


@dataclass(frozen=True)
class VerifiedLog:
    """An event log, verified against the `heads` that the audit recorded."""

    environment: EnvironmentName
    heads: int
    position: int | None
    head: str | None
    problem: str | None
