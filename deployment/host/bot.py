"""The bot of an environment: whose its token is, as the release's own code finds it, and how it does.

The token goes to that code on stdin alone.
"""

from __future__ import annotations

import json
from typing import Any

from . import releases
from .check import Check, bad, ok, warn
from .errors import StepFailed
from .layout import Environment, Layout
from .model import BOT, Manifest, Observed
from .run import run

PATIENCE = 30.0  # seconds; the release itself asks for five at the longest
REFUSED = 2  # its exit code for a bot that the environment must not have


UNKNOWN = "unknown"
TOLD = ("state", "bot", "reason", "last_poll")  # members of what a service says of its bot
UP = ("polling", "starting", UNKNOWN)  # the states of which nothing is to be said beside the state
HANDS = ("stopped", "conflict", "webhook")  # the states that a bot does not leave by itself


def own_bot(layout: Layout, environment: Environment, release: Manifest) -> tuple[str, tuple[str, ...]]:
    """Whose bot it is, or that nobody could say, and what a deploy that goes on without knowing has to say.

    Raises `StepFailed` for the bot of another, or nobody's.
    """
    said, name = _whose(layout, environment, release), environment.name
    if said["verdict"] == "unreachable":
        again = f"the bot of {name} is not verified; make doctor ENV={name} asks again"
        return f"{UNKNOWN}: {said['message']}", (again,)
    if said["verdict"] == "ok":
        return str(said["message"]), ()
    raise StepFailed(said["message"], said["hint"])


def running(seen: Observed, current: Manifest | None) -> dict[str, str | None] | None:
    """What the service says of its bot; None where it has none, or was stopped."""
    if current is None or BOT not in current.digests or seen.is_stopped:
        return None
    told = (seen.answers or {}).get("telegram")
    known = told if isinstance(told, dict) and isinstance(told.get("state"), str) else {"state": UNKNOWN}
    return {name: value if isinstance(value := known.get(name), str) else None for name in TOLD}


def needs_hands(told: dict[str, str | None] | None) -> bool:
    """Whether the bot does not come back by itself."""
    return told is not None and told["state"] in HANDS


def trouble(told: dict[str, str | None] | None) -> str:
    """What is to be said of a bot that does not listen; empty for one that does, or says nothing."""
    if told is None or told["state"] in UP:
        return ""
    return f"the bot is {told['state']}" + (f": {told['reason']}" if told["reason"] else "")


def look(layout: Layout, environment: Environment, release: Manifest) -> Check:
    """The same as a finding of the doctor's."""
    said = _whose(layout, environment, release)
    if said["verdict"] == "ok":
        return ok("bot", said["message"])
    if said["verdict"] == "unreachable":
        where = release.config["telegram_api_url"]
        return warn(
            "bot",
            f"{UNKNOWN}: {said['message']}",
            f"see that the node reaches {where}; the bot is silent until then",
        )
    return bad("bot", said["message"], said["hint"])


def _whose(layout: Layout, environment: Environment, release: Manifest) -> dict[str, Any]:
    words = ("services.telegram", "whose", "--env", environment.name, "--file", "-", "--json")
    argv = releases.command(layout, environment, release, *words)
    content = (layout.releases(environment) / release.id / f".env.{environment.name}").read_bytes()
    said = run(argv, input=content, user=environment.user, timeout=PATIENCE, expect=(0, REFUSED))
    answer: dict[str, Any] = json.loads(said)
    return answer
