"""The values that all steps of a plan share."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..node.threads import Call
from ..records import verified_releases
from ..values.desired import Desired
from ..values.errors import HostError
from ..values.layout import Environment
from ..values.log import Log
from ..values.manifest import Manifest
from . import verify


@dataclass(frozen=True)
class Work:
    """The values that the steps of one plan share."""

    environment: Environment
    staged: Path
    release: Manifest | None
    log: Log | None
    position: verified_releases.Place  # of the release that comes up, among those that did
    desired: Desired
    last_head: Log | None = None  # of the log, as it was known when the transaction began
    restored: bool = False  # whether `log` is one that has come in the place of another
    redacted: bool = False  # whether `log` is the log after a redaction
    check_cancel: Callable[[], None] = lambda: None  # raises `StepFailed` if somebody cancels the change
    archive_name: str = ""  # what the log that is there is called once another one has its place
    facts: dict[str, Any] = field(default_factory=dict)  # what belongs into the result
    doubts: list[str] = field(default_factory=list)  # warnings about facts that the steps could not find out
    trials: list[Call[str]] = field(
        default_factory=list
    )  # of a release on a copy of the log, beside the steps

    def wait_for_trials(self) -> None:
        """Wait for the trials whose result no step has asked for: another fault came first."""
        for trial in self.trials:
            with suppress(HostError):
                trial.result()

    @property
    def chosen(self) -> Manifest:
        """The release that the plan is about."""
        assert self.release is not None, "a plan that installs or verifies is about a release"
        return self.release

    @property
    def history(self) -> str:
        """The remark about a log that has `log` in its chain."""
        if self.redacted:
            return verify.REDACTED
        return verify.RESTORED if self.restored else verify.UNCHANGED
