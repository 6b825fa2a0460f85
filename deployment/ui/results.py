"""The results of verbs: what people are shown of each, and its JSON for programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from ..errors import MEANING, DeployError
from ..remote.messages import NO_FACTS, Facts
from ..remote.plan import Replacement
from ..remote.shapes import plain


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

    def to_json(self) -> dict[str, Any]:
        """The result for programs: the members `keys`, in this order, and what else there is."""
        shown = {key: plain(getattr(self, key)) for key in self.keys}
        return shown | self._more()

    def _more(self) -> dict[str, Any]:
        return {"environment": self.environment, "verb": self.verb} if self.verb else {}


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
    facts: Facts = NO_FACTS

    keys = (
        *("outcome", "exit_code", "verb", "environment", "node", "release", "state_before", "before"),
        *("after", "callers", "data", "data_deleted", "answered_by", "message", "hint", "details"),
        *("transaction", "seconds", "soaked"),
    )

    def _more(self) -> dict[str, Any]:
        log = {"log": plain(self.log)} if self.log else {}
        return {**log, **plain(self.facts), "summary": self.summary}


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

    def _more(self) -> dict[str, Any]:
        return {}


def result_of(error: DeployError, environment: str = "", verb: str = "") -> Result:
    """An error as a result."""
    return Result(
        outcome=MEANING[error.code].split(",")[0],
        exit_code=error.code,
        message=error.message,
        hint=error.hint,
        details=error.details,
        answered_by=error.answered_by or None,
        environment=environment,
        verb=verb,
    )
