"""The state before a change, which a revert restores."""

from __future__ import annotations

from typing import Any

from ..event_log.archive_notes import ArchiveNotes
from ..releases import releases
from ..values.desired import Absent, Desired, Running, Stopped, Unchanged
from ..values.errors import StepFailed
from ..values.model import Observed
from ..values.request import ResolvedRequest


def state_of(observed: Observed) -> str:
    """The state in one word: running, stopped or absent."""
    if "active" in (observed.service, observed.socket) or observed.service == "activating":
        return "running"
    return "stopped" if observed.exists else "absent"


def as_it_was(request: ResolvedRequest, archive: ArchiveNotes, before: dict[str, Any]) -> Desired:
    """The state to revert to. `before` is the record's entry about it. Raises `StepFailed`."""
    environment = request.environment
    if before["state"] == "absent":
        return Absent(environment=environment, user=before["user"], home=before["home"])
    release = releases.read_manifest(environment, before["release"])
    if release is None:
        raise StepFailed(f"the manifest of release {before['release']} cannot be read.")
    shared: dict[str, Any] = {"environment": environment, "release": release, "back": True}
    if request.verb == "rebuild":
        return Unchanged(**shared)
    failed = (request.release or {}).get("id", "")
    shared["failed"] = failed if failed != release.id else ""
    shared["log"], shared["archived"] = archive.before()
    shared["enabled"] = before["enabled"]
    if before["state"] == "stopped":
        return Stopped(**shared)
    return Running(**shared, pid=before.get("pid") or 0)
