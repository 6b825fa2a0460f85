"""The state that a request asks for: the same answer for the preview and for the transaction."""

from __future__ import annotations

from typing import Any

from ..releases import releases
from ..values.desired import Absent, Desired, Running, Stopped, Unchanged
from ..values.layout import Environment, Layout
from ..values.model import KEEP, Log, Manifest, Redaction


def desired_of(layout: Layout, environment: Environment, request: dict[str, Any]) -> Desired:
    """The state that a request asks for.

    A request for a rollback names its release (`to`), so that each attempt means the same one.
    """
    verb = request["verb"]
    if verb == "stop":
        return Stopped(environment=environment)
    if verb == "remove":
        return Absent(environment=environment, remove=True, delete=bool(request.get("delete")))
    if verb in ("deploy", "rollback"):
        return _deployed(layout, environment, request)
    release = releases.read_manifest(layout, environment, releases.current(layout, environment))
    if verb == "restore":
        return Running(
            environment=environment,
            release=release,
            log=coming_of(request),
            kept=request["log"].get("kept", ""),
            watch=float(request.get("soak", 0)),
        )
    if verb == "redact":
        return _redacted(environment, request, release)
    if verb == "rebuild":
        return Unchanged(environment=environment, release=release, rebuild=True)
    return Running(environment=environment, release=release, restart=verb == "restart")


def _deployed(layout: Layout, environment: Environment, request: dict[str, Any]) -> Running:
    """A release that was sent, or one that is kept on the node."""
    kept = releases.read_manifest(layout, environment, request.get("to"))
    made = Manifest.from_json(request["release"]) if request.get("release") else None
    return Running(
        environment=environment,
        release=made or kept,
        staged=made is not None,
        soak=float(request.get("soak", 0)),
        insist=bool(request.get("insist")),
        keep=int(request.get("keep") or KEEP) if request["verb"] == "deploy" else None,
        prune=bool(request.get("keep")),
    )


def _redacted(environment: Environment, request: dict[str, Any], release: Manifest | None) -> Desired:
    """A redaction: a running service is started again after it, a stopped service stays stopped."""
    if request.get("noted"):
        return Unchanged(environment=environment, release=release)
    order = Redaction(int(request["position"]), str(request["reason"]), str(request["actor"]["name"]))
    state = Running if request.get("running") else Unchanged
    return state(environment=environment, release=release, redaction=order)


def coming_of(request: dict[str, Any]) -> Log | None:
    """The log that a restore puts in the place of another; None for other requests."""
    known = {key: value for key, value in request.get("log", {}).items() if key != "kept"}
    return Log(**known) if known else None
