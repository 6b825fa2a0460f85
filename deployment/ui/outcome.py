"""How a change went, in the form that outputs take: from what the node said to a line for people."""

from __future__ import annotations

from typing import Any

from ..errors import DONE, FAILED, HANDS, REFUSED
from ..host.values.words import size
from ..settings import Settings
from . import redacted
from .tables import count

CODES = {
    "done": DONE,
    "nothing": DONE,
    "planned": DONE,
    "refused": REFUSED,
    "failed": FAILED,
    "hands": HANDS,
    "abandoned": HANDS,
}

NEEDED = {
    "restore": ("log",),
    "rebuild": ("position", "digest"),
    "redact": (
        *("position", "changed", "at", "old_head", "new_head"),
        *("elsewhere", "archived", "backups"),
    ),
}  # what a result needs beside the fields that each has


def outcome_of(settings: Settings, said: dict[str, Any], plan: dict[str, Any]) -> dict[str, Any]:
    """The result of a change, without what only the operator's half knows."""
    outcome, environment = said["outcome"], settings.environment
    return {
        "outcome": outcome,
        "exit_code": CODES[outcome],
        "verb": settings.verb,
        "environment": environment,
        "node": settings.node,
        "release": plan.get("release"),
        "state_before": said.get("state"),
        "before": said.get("before", plan.get("before")),
        "after": said.get("after"),
        "callers": plan.get("callers"),
        "data": plan.get("data"),
        "data_deleted": any(item["verb"] == "delete-data" for item in plan.get("steps", ())),
        "answered_by": settings.node if said.get("message") or said.get("hint") else None,
        "message": said.get("message") or "",
        "hint": said.get("hint") or "",
        "details": said.get("details") or [],
    }


def missing(result: dict[str, Any]) -> str:
    """The first value that the summary of a change needs and its result lacks; empty if there is none."""
    needed = NEEDED.get(result["verb"], ()) if result["outcome"] == "done" else ()
    return next((name for name in needed if name not in result), "")


def summary(result: dict[str, Any]) -> str:
    """What is now, in a line."""
    verb, environment, outcome = result["verb"], result["environment"], result["outcome"]
    if outcome == "planned":
        return "nothing was touched"
    if verb == "remove" and outcome in ("done", "nothing"):
        return _removed(result)
    if outcome == "hands":
        return f"look at {environment}: make status ENV={environment}"
    if outcome == "failed" and result["state_before"] == "stopped":
        return f"{environment} does not run, as before"
    if outcome == "done" and verb in _SUMMARIES:
        return _SUMMARIES[verb](result)
    runs = f"{environment} runs {result['after']}" if result["after"] else f"{environment} is as it was"
    if outcome == "nothing" and verb == "redact":
        return f"nothing to do: this event of {environment} is redacted already"
    if outcome == "nothing" and verb == "restore":
        return f"nothing to do, {environment} has that log already"
    if outcome == "nothing":
        return f"nothing to do, {f'{environment} is stopped' if verb == 'stop' else runs}"
    return environment if outcome == "refused" else runs


def _removed(result: dict[str, Any]) -> str:
    environment, place = result["environment"], result["data"]
    done = result["outcome"] == "done"
    gone = f"{environment} is removed" if done else f"there is no {environment}"
    if result["data_deleted"]:
        return f"{gone}, with its data"
    if place is None:
        return f"{gone}; " + ("it held no data" if done else "no data of it is there")
    return f"{gone}; its data stays on the node, in {place}, and DATA=delete deletes it"


def _stopped(result: dict[str, Any]) -> str:
    return f"{result['environment']} is stopped, and stays so over a reboot"


def _restored(result: dict[str, Any]) -> str:
    environment, log = result["environment"], result["log"]
    text = f"{environment} has the log that was restored: {count(log['length'])}, head {log['head'][:16]}"
    if not result.get("kept"):
        return text
    name = result["kept"].rpartition("/")[2]
    return f"{text}; undo with: make restore ENV={environment} BACKUP={name}"


def _rebuilt(result: dict[str, Any]) -> str:
    where = f"{result['environment']} at position {result['position']}"
    return f"the read models of {where} are built anew, digest {result['digest'][:16]}"


def backed_up(file: str, position: int, bytes_: int, head: str) -> str:
    """The line for a backup."""
    return f"{file}: {count(position)}, {size(bytes_)}, head {head[:16]}"


_SUMMARIES = {"stop": _stopped, "restore": _restored, "rebuild": _rebuilt, "redact": redacted.summary}
