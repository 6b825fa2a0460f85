"""The effect of a restore on the current log, as far as it is known before anything is touched."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..host.values.layout import ENVIRONMENTS
from ..remote.plan import Plan
from ..settings import Settings
from ..ui import redacted
from ..ui.tables import count
from . import copies
from .copies import Copy

NAMED = re.compile(rf"({'|'.join(ENVIRONMENTS)})-\d{{8}}T\d{{6}}Z")  # as `make backup` names a file


def judged(settings: Settings, log: Mapping[str, Any], copy: Copy | None) -> dict[str, Any]:
    """The node's reply about a restore, with the facts that only this machine can see of the copy.

    These are whether the current log is the beginning of the copy, and the environment that the copy is from.
    """
    there, judged = log["there"], {**log, "other": _other(settings.environment, log, copy)}
    if copy is None or not there or log["said"] <= there:
        return judged
    return {**judged, "begins": copies.head_at(copy, there, settings.root) == log["there_head"]}


def _other(environment: str, log: Mapping[str, Any], copy: Copy | None) -> str | None:
    """The other environment that the copy was taken from, by the node's audit or the file's name."""
    if copy is None:
        return None
    named = NAMED.match(copy.path.name)
    names = log.get("taken_from") or ([named[1]] if named else [])
    return None if environment in names else next(iter(names), None)


def impact(environment: str, plan: Plan) -> str:
    """The effect of a plan on the log, for the question before it; empty where there is nothing to do."""
    if not plan.steps:
        return ""
    if plan.redacted:
        return redacted.foreseen(environment, plan.redacted)
    return words(environment, plan.log) if plan.log else ""


def words(environment: str, log: Mapping[str, Any]) -> str:
    """The fate of the current log, and the place where it is damaged, as far as that is known."""
    flaw = str(log.get("flaw") or "").rstrip(".")
    origin = f"the restored log is a backup of {log['other']}; " if log.get("other") else ""
    damage = f"; that log does not verify: {flaw}" if flaw else ""
    back = "; the restored log is from before a redaction, and brings those words back"
    redaction = back if log.get("before_redaction") else ""
    return f"{origin}{_becomes(environment, log)}{redaction}{damage}"


def _becomes(environment: str, log: Mapping[str, Any]) -> str:
    there, newer = log["there"], log["newer"]
    if there is None:
        return f"the log of {environment} is damaged and will be archived as it is"
    if newer:
        return f"{count(newer)} of {environment} newer than the restored log will be archived"
    archived = f"{count(log['aside'])} will be archived"
    if log["said"] <= there and newer is None:
        return f"the restored log is no part of the log of {environment}: its {archived}"
    if there and log.get("begins") is False:
        return f"the restored log is another one than that of {environment}, whose {archived}"
    return f"the log of {environment}, {count(log['aside'])}, will be archived"
