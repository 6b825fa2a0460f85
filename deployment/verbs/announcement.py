"""The announcement of a change, before its first step."""

from __future__ import annotations

from ..host.values.manifest import SECRETS
from ..remote.plan import Plan
from ..settings import Settings
from ..ui.output import Output
from . import differences, foreseen
from .differences import Differences
from .table import KEPT, VERBS

# The impact of a plan on callers, in words.
IMPACT = {"nothing": "no downtime", "a pause": "requests wait briefly", "an interruption": "downtime"}


def announce(settings: Settings, output: Output, plan: Plan, between: Differences, *, dry: bool) -> None:
    """Show the plan of a change in a line, and a warning for each effect that its verb does not name."""
    steps, verb = plan.steps, VERBS[settings.change]
    if steps:
        count = "1 step" if len(steps) == 1 else f"{len(steps)} steps"
        what = f"release {plan.release}" if plan.release else settings.change
        where = f"{settings.environment} on {settings.node}"
        output.heading(f"{where}: {what}, {count}, {IMPACT[plan.callers]}")
    if steps and not dry:
        show(output, between, is_kept=verb.release == KEPT)
    if steps and plan.stopped and verb.release:
        output.warn(f"{settings.environment} is stopped; this starts it")
    # A question that follows the plan says it itself.
    is_shown = VERBS[settings.verb].dry or (plan.log is not None and not dry)
    if is_shown and (impact := foreseen.impact(settings.environment, plan)):
        output.warn(impact)
    if steps and verb.watch and settings.insist and plan.before:
        output.warn("INSIST=1: the node does not watch this release, and does not revert it by itself")
    changed = sorted(between.keys.signs)
    if steps and "EVENT_STORE_PATH" in changed:
        output.warn("EVENT_STORE_PATH changes: the event log was moved, and is used at its new path")
    if steps and changed and verb.release == KEPT:
        secret = any(key in SECRETS for key in changed)
        risk = "; a token that was revoked since then is used again" if secret else ""
        output.warn(f"the configuration of that release comes back, with another {', '.join(changed)}{risk}")


def show(output: Output, between: Differences, *, is_kept: bool) -> None:
    """Show the commits that come and go, and the keys that differ unless a warning names them anyway."""
    for line in differences.commit_lines(between.commits):
        output.note(line)
    for line in () if is_kept else differences.key_lines(between.keys):
        output.note(line)
