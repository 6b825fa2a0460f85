"""The results of verbs: what people are shown of each, and its JSON for programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import MEANING, DeployError
from ..host.values.shapes import plain

if TYPE_CHECKING:  # many requests need no messages
    from ..host.values.answers import Replacement
    from ..remote.messages import CancelledChange, Facts


@dataclass(frozen=True, kw_only=True)
class Result:
    """The end of a verb: an error, if it is nothing else."""

    outcome: str
    exit_code: int
    message: str = ""
    hint: str = ""
    details: tuple[str, ...] = ()
    answered_by: str | None = None  # the node whose words the message and the hint are
    environment: str = ""
    verb: str = ""
    transaction: str | None = None
    seconds: float | None = None
    soaked: float = 0.0
    summary: str = ""

    keys: ClassVar[tuple[str, ...]] = ("outcome", "exit_code", "message", "hint", "details", "answered_by")
    """The members of its JSON, in their order."""

    def to_json(self) -> dict[str, Any]:
        """The result for programs."""
        return {key: plain(getattr(self, key)) for key in self.keys}


class Failed(Result):
    """An error of a verb about an environment."""

    keys = (*Result.keys, "environment", "verb")


@dataclass(frozen=True, kw_only=True)
class Changed(Result):
    """The result of a change."""

    node: str
    release: str | None
    state_before: str | None
    before: str | None  # a release
    after: str | None
    callers: str | None  # the impact on them
    data: str | None  # the directory of the environment's data
    data_deleted: bool
    log: Replacement | None
    facts: Facts
    differences: Mapping[str, Any] = field(default_factory=dict)  # of the releases before and after

    keys = (
        *("outcome", "exit_code", "verb", "environment", "node", "release", "state_before", "before"),
        *("after", "callers", "data", "data_deleted", "answered_by", "message", "hint", "details"),
        *("transaction", "seconds", "soaked"),
    )

    def to_json(self) -> dict[str, Any]:
        """The result for programs, with the facts that there are."""
        log = {"log": plain(self.log)} if self.log else {}
        own = {**log, **self.differences, **plain(self.facts)}
        return {**super().to_json(), **own, "summary": self.summary}


@dataclass(frozen=True, kw_only=True)
class BackedUp(Result):
    """The result of a backup."""

    node: str
    release: str
    file: str
    size: int
    sha256: str
    position: int
    head: str

    keys = (
        *("outcome", "exit_code", "verb", "environment", "node", "release", "file", "size", "sha256"),
        *("position", "head", "seconds", "summary"),
    )


@dataclass(frozen=True, kw_only=True)
class Cancelled(Result):
    """The result of a cancel."""

    node: str
    changes: tuple[CancelledChange, ...]

    keys = ("outcome", "exit_code", "verb", "environment", "node", "changes", "seconds", "summary")


def result_of(error: DeployError, verb: str = "", environment: str = "") -> Result:
    """An error as a result: of a verb about an environment, if there is one."""
    return (Failed if verb else Result)(
        outcome=MEANING[error.code].split(",")[0],
        exit_code=error.code,
        message=error.message,
        hint=error.hint,
        details=error.details,
        answered_by=error.answered_by or None,
        environment=environment,
        verb=verb,
    )
