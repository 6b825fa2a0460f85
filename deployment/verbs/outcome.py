"""The result of a change: the node's answer as the JSON object for programs and a line for people."""

from __future__ import annotations

from ..errors import DONE, FAILED, HANDS, REFUSED
from ..remote.messages import Result
from ..remote.plan import Plan
from ..settings import Settings
from ..ui.results import Changed
from .table import VERBS

CODES = {
    "done": DONE,
    "nothing": DONE,
    "planned": DONE,
    "refused": REFUSED,
    "failed": FAILED,
    "hands": HANDS,
    "abandoned": HANDS,
}


def outcome_of(settings: Settings, result: Result, plan: Plan | None) -> Changed:
    """The result of a change, without the parts that only the operator's half knows."""
    before = plan.before if plan and result.before == "" else result.before
    steps = plan.steps if plan else ()
    return Changed(
        outcome=result.outcome,
        exit_code=CODES[result.outcome],
        verb=settings.verb,
        environment=settings.environment,
        node=settings.node,
        release=plan.release if plan else None,
        state_before=result.state,
        before=before or None,
        after=result.after,
        callers=plan.callers if plan else None,
        data=plan.data if plan else None,
        data_deleted=any(step.verb == "delete-data" for step in steps),
        answered_by=settings.node if result.message or result.hint else None,
        message=result.message,
        hint=result.hint,
        details=result.details,
        log=plan.log if plan else None,
        facts=result.facts,
    )


def missing(result: Changed) -> str:
    """The first fact that the summary of a change needs and its result lacks; empty if there is none."""
    needed = VERBS[result.verb].facts if result.outcome == "done" else ()
    known = {"log": result.log, **vars(result.facts)}
    return next((name for name in needed if known[name] is None), "")


def summary(result: Changed) -> str:
    """The state after a change, in a line."""
    verb, environment, outcome = VERBS[result.verb], result.environment, result.outcome
    own = {"done": verb.done, "nothing": verb.nothing}.get(outcome)
    if own is not None:
        return own(result)
    if outcome == "planned":
        return "nothing was touched"
    if outcome == "hands":
        return f"look at {environment}: make status ENV={environment}"
    if outcome == "failed" and result.state_before == "stopped":
        return f"{environment} does not run, as before"
    runs = f"{environment} runs {result.after}" if result.after else f"{environment} is as it was"
    if outcome == "nothing":
        return f"nothing to do, {runs}"
    return environment if outcome == "refused" else runs
