"""The state before a change, which a revert restores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from ..event_log.archive_notes import ArchiveNotes
from ..event_log.loss import LogState
from ..releases import releases
from ..values.desired import Absent, Desired, Running, Stopped, Unchanged
from ..values.errors import StepFailed
from ..values.log import Log
from ..values.observed import LogLoss, Observed
from ..values.request import ResolvedRequest


@dataclass(frozen=True)
class Before:
    """The state of an environment when a change began."""

    state: str  # running, stopped or absent
    release: str | None
    pid: int
    enabled: bool
    user: bool
    home: bool
    log: Log | None
    last_head: Log | None
    lost: LogLoss | None

    @classmethod
    def of(cls, observed: Observed, release: str | None, log: LogState) -> Self:
        """The state that was observed. `release` is the release that runs."""
        return cls(
            _state_of(observed),
            release,
            observed.pid,
            observed.enabled,
            observed.user,
            observed.home,
            log.log,
            log.last_head,
            log.lost,
        )

    @classmethod
    def from_entry(cls, entry: Mapping[str, Any]) -> Self:
        """Read the state from the record, which an earlier version may have begun."""
        log, last_head, lost = (entry.get(key) for key in ("log", "last_head", "lost"))
        return cls(
            str(entry["state"]),
            entry["release"],
            pid=int(entry.get("pid") or 0),
            enabled=bool(entry.get("enabled")),
            user=bool(entry.get("user")),
            home=bool(entry.get("home")),
            log=Log(**log) if log else None,
            last_head=Log(**last_head) if last_head else None,
            lost=LogLoss(**lost) if lost else None,
        )

    def to_entry(self) -> dict[str, Any]:
        """The members of its entry in the record."""
        return asdict(self)


def _state_of(observed: Observed) -> str:
    """The state in one word: running, stopped or absent."""
    if "active" in (observed.service, observed.socket) or observed.service == "activating":
        return "running"
    return "stopped" if observed.exists else "absent"


def as_it_was(request: ResolvedRequest, archive: ArchiveNotes, before: Before) -> Desired:
    """The state to revert to. Raises `StepFailed`."""
    environment = request.environment
    if before.state == "absent":
        return Absent(environment=environment, back=True, user=before.user, home=before.home)
    release = releases.read_manifest(environment, before.release)
    if release is None:
        raise StepFailed(f"the manifest of release {before.release} cannot be read.")
    if request.verb == "rebuild":
        return Unchanged(environment=environment, release=release, back=True)
    failed = (request.release or {}).get("id", "")
    log, archived = archive.before()
    stopped = Stopped(
        environment=environment,
        release=release,
        back=True,
        failed=failed if failed != release.id else "",
        log=log,
        archived=archived,
        enabled=before.enabled,
    )
    return stopped if before.state == "stopped" else Running(**vars(stopped), pid=before.pid)
