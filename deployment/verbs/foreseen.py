"""The effect of a restore on the current log, as far as it is known before anything is touched."""

from __future__ import annotations

import re
from dataclasses import replace

from ..host.values.answers import Replacement
from ..host.values.layout import ENVIRONMENTS
from ..remote.plan import Plan
from ..settings import Settings
from ..ui import redacted
from ..ui.tables import count
from . import copies
from .copies import Copy

NAMED = re.compile(rf"({'|'.join(ENVIRONMENTS)})-\d{{8}}T\d{{6}}Z")  # as `make backup` names a file


def judged(settings: Settings, log: Replacement, copy: Copy | None) -> Replacement:
    """The node's reply about a restore, with the facts that only this machine can see of the copy.

    These are whether the current log is the beginning of the copy, and the environment that the copy is from.
    """
    there = log.there
    judged = replace(log, other=_other(settings.environment, log, copy))
    if copy is None or not there or log.last <= there:
        return judged
    return replace(judged, begins=copies.head_at(copy, there, settings.root) == log.there_head)


def _other(environment: str, log: Replacement, copy: Copy | None) -> str | None:
    """The other environment that the copy was taken from, by the node's audit or the file's name."""
    if copy is None:
        return None
    named = NAMED.match(copy.path.name)
    names = log.taken_from or ([named[1]] if named else [])
    return None if environment in names else next(iter(names), None)


def impact(environment: str, plan: Plan) -> str:
    """The effect of a plan on the log, for the question before it; empty where there is nothing to do."""
    if not plan.steps:
        return ""
    if plan.redaction and plan.redaction.changed:
        return redacted.foreseen(environment, plan.redaction.changed)
    return words(environment, plan.log) if plan.log else ""


def words(environment: str, log: Replacement) -> str:
    """The fate of the current log, and the place where it is damaged, as far as that is known."""
    flaw = (log.flaw or "").rstrip(".")
    origin = f"the restored log is a backup of {log.other}; " if log.other else ""
    damage = f"; that log does not verify: {flaw}" if flaw else ""
    back = "; the restored log is from before a redaction, and brings those words back"
    redaction = back if log.before_redaction else ""
    return f"{origin}{_becomes(environment, log)}{redaction}{damage}"


def _becomes(environment: str, log: Replacement) -> str:
    there, newer = log.there, log.newer
    if there is None:
        return f"the log of {environment} is damaged and will be archived as it is"
    if newer:
        return f"{count(newer)} of {environment} newer than the restored log will be archived"
    events = count(log.archived or 0)
    if log.last <= there and newer is None:
        return f"the restored log is no part of the log of {environment}: its {events} will be archived"
    if there and log.begins is False:
        return f"the restored log is another one than that of {environment}, whose {events} will be archived"
    return f"the log of {environment}, {events}, will be archived"
