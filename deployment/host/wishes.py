"""What a verb wants, as a state: the same answer for the preview and for the transaction."""

from __future__ import annotations

from typing import Any

from . import releases
from .layout import Environment, Layout
from .model import KEEP, Log, Manifest, Redaction, Wanted


def wanted_of(layout: Layout, environment: Environment, request: dict[str, Any]) -> Wanted:
    """The state that a request is about.

    A request to go back names its release (`to`), so that a second attempt means the same one as the first.
    """
    verb = request["verb"]
    if verb == "stop":
        return Wanted(environment, "stopped")
    if verb == "remove":
        return Wanted(environment, "absent", remove=True, delete=bool(request.get("delete")))
    if verb == "restore":
        release = releases.read_manifest(layout, environment, releases.current(layout, environment))
        kept = request["log"].get("kept", "")
        return Wanted(
            environment,
            "running",
            release,
            staged=False,
            log=coming_of(request),
            watch=float(request.get("soak", 0)),
            kept=kept,
        )
    if verb in ("deploy", "rollback"):
        kept = releases.read_manifest(layout, environment, request.get("to"))
        made = Manifest.from_json(request["release"]) if request.get("release") else None
        return Wanted(
            environment,
            "running",
            made or kept,
            staged=made is not None,
            soak=float(request.get("soak", 0)),
            insist=bool(request.get("insist")),
            keep=int(request.get("keep") or KEEP) if verb == "deploy" else None,
            prune=bool(request.get("keep")),
        )
    release = releases.read_manifest(layout, environment, releases.current(layout, environment))
    if verb == "redact":
        return _redacted(environment, request, release)
    if verb == "rebuild":
        return Wanted(environment, "as it is", release, staged=False, rebuild=True)
    return Wanted(environment, "running", release, restart=verb == "restart", staged=False)


def _redacted(environment: Environment, request: dict[str, Any], release: Manifest | None) -> Wanted:
    """A redaction: a running service is started again after it, a stopped service stays stopped."""
    if request.get("noted"):
        return Wanted(environment, "as it is", release, staged=False)
    order = Redaction(int(request["position"]), str(request["reason"]), str(request["actor"]["name"]))
    state = "running" if request.get("running") else "as it is"
    return Wanted(environment, state, release, staged=False, redaction=order)


def coming_of(request: dict[str, Any]) -> Log | None:
    """The log that a restore puts in the place of another; None for other requests."""
    known = {key: value for key, value in request.get("log", {}).items() if key != "kept"}
    return Log(**known) if known else None
