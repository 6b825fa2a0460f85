"""The state that a request asks for: the same answer for the preview and for the transaction."""

from __future__ import annotations

from ..releases import releases
from ..values.desired import Absent, Desired, Running, Stopped, Unchanged
from ..values.errors import Refused
from ..values.manifest import Manifest
from ..values.request import KEEP, ResolvedRequest


def desired_of(request: ResolvedRequest) -> Desired:
    """The state that a request asks for."""
    environment = request.environment
    match request.verb:
        case "stop":
            return Stopped(environment=environment)
        case "remove":
            return Absent(environment=environment, remove=True, delete=request.delete)
        case "deploy" | "rollback":
            return _deployed(request)
    release = releases.read_manifest(environment, releases.current(environment))
    match request.verb:
        case "restore":
            watch, log = request.soak, request.log
            return Running(
                environment=environment, release=release, log=log, archived=request.archived, watch=watch
            )
        case "redact":
            return _redacted(request, release)
        case "rebuild":
            return Unchanged(environment=environment, release=release, rebuild=True)
        case "start" | "restart":
            return Running(environment=environment, release=release, restart=request.verb == "restart")
        case verb:
            raise AssertionError(f"no state for the verb {verb}")


def refuse_overtaken(request: ResolvedRequest, current: str | None, desired: Desired) -> None:
    """Raise `Refused` if another release has come since the operator confirmed the plan."""
    expected = (request.shown, desired.release.id if desired.release else None)
    if request.shown is not None and current not in expected:
        name = request.environment.name
        raise Refused(
            f"{current or 'no release'} is active in {name}, and {request.shown} was when it was confirmed.",
            f"make plan ENV={name} shows what would change now",
        )


def _deployed(request: ResolvedRequest) -> Running:
    """A release that was sent, or one that is kept on the node."""
    on_node = releases.read_manifest(request.environment, request.to)
    made = request.manifest
    return Running(
        environment=request.environment,
        release=made or on_node,
        staged=made is not None,
        soak=request.soak,
        insist=request.insist,
        keep=(request.keep or KEEP) if request.verb == "deploy" else None,
        prune=bool(request.keep),
    )


def _redacted(request: ResolvedRequest, release: Manifest | None) -> Desired:
    """A redaction: a running service is started again after it, a stopped service stays stopped."""
    if request.noted:
        return Unchanged(environment=request.environment, release=release)
    state = Running if request.running else Unchanged
    return state(environment=request.environment, release=release, redaction=request.redaction)
