"""Resolve a request: work out which release, log or redaction it means, once and before anything begins."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from ..event_log import archived_logs, log_commands
from ..observe.directories import refuse_nobody
from ..releases import releases
from ..values.errors import Refused
from ..values.layout import Environment
from ..values.log import Log
from ..values.manifest import Manifest
from ..values.request import Request, ResolvedRequest


def resolve(request: Request, manifest: Manifest | None, asked: Mapping[str, Any]) -> ResolvedRequest:
    """Return what the node is to do. Raises `Refused` where it cannot be done.

    `manifest` is that of the current release, and `asked` the request as it was sent.
    """
    resolved = _as_asked(request, asked)
    if request.promoted is not None:
        from . import promotion

        promotion.refuse(request)
    if request.verb == "rollback":
        return _rollback(resolved)
    if manifest is None:  # the plan refuses what needs a release
        return replace(resolved, log=request.log or Log(0, "")) if request.verb == "restore" else resolved
    match request.verb:
        case "deploy":
            return _deploy(resolved, manifest)
        case "rebuild":
            log_commands.refuse_missing(manifest)
        case "redact":
            from ..apply import redaction

            planned, noted, running = redaction.look_up(request.environment, manifest, request.redaction)
            return replace(resolved, planned=planned.to_json(), noted=noted, running=running)
        case "restore":
            refuse_nobody(request.environment)
            if request.archived:
                log = archived_logs.find(request.environment, manifest, request.archived)
                return replace(resolved, log=log)
    return resolved


def _as_asked(request: Request, asked: Mapping[str, Any]) -> ResolvedRequest:
    """The same request, with the user on the node who carries it out. Of a release `asked` keeps the id."""
    members = {item.name: getattr(request, item.name) for item in fields(Request)}
    members["actor"] = {**request.actor, "login": os.environ.get("SUDO_USER") or "root"}
    release = {"release": request.release["id"]} if request.release else {}
    return ResolvedRequest(**members, asked={**asked, **release})


def _deploy(request: ResolvedRequest, current: Manifest) -> ResolvedRequest:
    """Let the current release stay where the new one has the same contents: no restart for a commit alone."""
    made, path = request.manifest, request.environment.releases / current.id
    if made is None or not current.differs_in_commit_alone(made):
        return request
    is_whole = not releases.drifted(path, current, current.id)
    return replace(request, release=None, to=current.id) if is_whole else request


def _rollback(request: ResolvedRequest) -> ResolvedRequest:
    """Name the release of a rollback, and make it anew if it is to run with the current configuration."""
    release = _release_to_go_back_to(request.environment, request.to)
    resolved = replace(request, to=release)
    if request.config != "current":
        return resolved
    from ..apply import compose

    composed = compose.manifest(request.environment, release)
    return resolved if composed.id == release else replace(resolved, release=composed.to_json())


def _release_to_go_back_to(environment: Environment, named: str | None) -> str:
    """The named release, whole or as the beginning of its id, or else the one before the current one."""
    names = releases.names(environment)
    if named is None:
        named = releases.previous(environment)
    if named is None:
        raise Refused(
            f"there is no earlier successful release of {environment.name}.",
            f"git switch --detach to the commit that you want, then make deploy ENV={environment.name}",
        )
    matches = [name for name in names if name.startswith(named)]
    if named in names:
        matches = [named]
    if len(matches) == 1 and releases.read_manifest(environment, matches[0]) is None:
        raise Refused(f"the manifest of release {matches[0]} cannot be read.", "deploy its commit once more")
    if len(matches) != 1:
        problem = f"could be {' or '.join(matches)}" if matches else "is not kept"
        raise Refused(f"release {named} {problem}.", f"kept are {', '.join(names) or 'none'}")
    return matches[0]
