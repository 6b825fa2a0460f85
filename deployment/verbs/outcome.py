"""The result of a change: the node's answer as the JSON object for programs and a line for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import DONE, FAILED, HANDS, REFUSED
from ..remote.plan import Plan
from ..settings import Settings
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


def outcome_of(settings: Settings, answer: Mapping[str, Any], plan: Plan) -> dict[str, Any]:
    """The result of a change, without the parts that only the operator's half knows."""
    outcome, environment = answer["outcome"], settings.environment
    return {
        "outcome": outcome,
        "exit_code": CODES[outcome],
        "verb": settings.verb,
        "environment": environment,
        "node": settings.node,
        "release": plan.release,
        "state_before": answer.get("state"),
        "before": answer.get("before", plan.before),
        "after": answer.get("after"),
        "callers": plan.callers,
        "data": plan.data,
        "data_deleted": any(step.verb == "delete-data" for step in plan.steps),
        "answered_by": settings.node if answer.get("message") or answer.get("hint") else None,
        "message": answer.get("message") or "",
        "hint": answer.get("hint") or "",
        "details": answer.get("details") or [],
    }


def missing(result: Mapping[str, Any]) -> str:
    """The first fact that the summary of a change needs and its result lacks; empty if there is none."""
    needed = VERBS[result["verb"]].facts if result["outcome"] == "done" else ()
    return next((name for name in needed if name not in result), "")


def summary(result: Mapping[str, Any]) -> str:
    """The state after a change, in a line."""
    verb, environment, outcome = VERBS[result["verb"]], result["environment"], result["outcome"]
    own = {"done": verb.done, "nothing": verb.nothing}.get(outcome)
    if own is not None:
        return own(result)
    if outcome == "planned":
        return "nothing was touched"
    if outcome == "hands":
        return f"look at {environment}: make status ENV={environment}"
    if outcome == "failed" and result["state_before"] == "stopped":
        return f"{environment} does not run, as before"
    runs = f"{environment} runs {result['after']}" if result["after"] else f"{environment} is as it was"
    if outcome == "nothing":
        return f"nothing to do, {runs}"
    return environment if outcome == "refused" else runs
