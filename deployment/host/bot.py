"""The bot of an environment, as the release's own code finds it: the token goes to that on stdin alone."""

from __future__ import annotations

import json
from typing import Any

from . import releases
from .check import Check, bad, ok, warn
from .errors import StepFailed
from .layout import Environment, Layout
from .model import Manifest
from .run import run

PATIENCE = 30.0  # seconds; the release itself asks for five at the longest
REFUSED = 2  # its exit code for a bot that the environment must not have


def own_bot(layout: Layout, environment: Environment, release: Manifest) -> str:
    """Whose bot it is, or why nobody could say. Raises `StepFailed` for the bot of another, or nobody's."""
    said = _whose(layout, environment, release)
    if said["verdict"] in ("ok", "unreachable"):
        return str(said["message"])
    raise StepFailed(said["message"], said["hint"])


def look(layout: Layout, environment: Environment, release: Manifest) -> Check:
    """The same as a finding of the doctor's."""
    said = _whose(layout, environment, release)
    if said["verdict"] == "ok":
        return ok("bot", said["message"])
    if said["verdict"] == "unreachable":
        where = release.config["telegram_api_url"]
        return warn(
            "bot", said["message"], f"see that the node reaches {where}; the bot is silent until then"
        )
    return bad("bot", said["message"], said["hint"])


def _whose(layout: Layout, environment: Environment, release: Manifest) -> dict[str, Any]:
    words = ("services.telegram", "whose", "--env", environment.name, "--file", "-", "--json")
    argv = releases.command(layout, environment, release, *words)
    content = (layout.releases(environment) / release.id / f".env.{environment.name}").read_bytes()
    said = run(argv, input=content, user=environment.user, timeout=PATIENCE, expect=(0, REFUSED))
    answer: dict[str, Any] = json.loads(said)
    return answer
