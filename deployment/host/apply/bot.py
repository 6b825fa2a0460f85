"""The bot of an environment: its token, verified by the release's own code, and its state.

The token goes to that code on stdin alone.
"""

from __future__ import annotations

from typing import Any

from ..event_log import log_commands
from ..values.check import Check, bad, ok, warn
from ..values.errors import StepFailed
from ..values.layout import Environment
from ..values.manifest import BOT, Manifest
from ..values.observed import Observed

PATIENCE = 30.0  # seconds; the release itself asks for five at the longest
REFUSED = 2  # its exit code for a bot that the environment must not have


UNKNOWN = "unknown"
MEMBERS = ("state", "bot", "reason", "last_poll")  # of the service's report on its bot
UP = ("polling", "starting", UNKNOWN)  # the states that need no warning
HANDS = ("stopped", "conflict", "webhook")  # the states that a bot does not leave by itself


def own_bot(environment: Environment, release: Manifest) -> tuple[str, tuple[str, ...]]:
    """Verify the bot token; return the remark of the step, and warnings where the Bot API is out of reach.

    Raises `StepFailed` for an invalid token, or that of another bot.
    """
    answer, name = _whose(environment, release), environment.name
    if answer["verdict"] == "unreachable":
        again = f"the bot of {name} is not verified; make doctor ENV={name} asks again"
        return f"{UNKNOWN}: {answer['message']}", (again,)
    if answer["verdict"] == "ok":
        return str(answer["message"]), ()
    raise StepFailed(answer["message"], answer["hint"])


def running(observed: Observed, current: Manifest | None) -> dict[str, str | None] | None:
    """The service's report on its bot; None where it has none, or was stopped."""
    if current is None or BOT not in current.digests or observed.is_stopped:
        return None
    report = (observed.answers or {}).get("telegram")
    if not (isinstance(report, dict) and isinstance(report.get("state"), str)):
        report = {"state": UNKNOWN}
    return {name: value if isinstance(value := report.get(name), str) else None for name in MEMBERS}


def needs_hands(report: dict[str, str | None] | None) -> bool:
    """Whether the bot does not come back by itself."""
    return report is not None and report["state"] in HANDS


def trouble(report: dict[str, str | None] | None) -> str:
    """The warning about a bot that does not listen; empty for a bot that listens or has no known state."""
    if report is None or report["state"] in UP:
        return ""
    return f"the bot is {report['state']}" + (f": {report['reason']}" if report["reason"] else "")


def look(environment: Environment, release: Manifest) -> Check:
    """The same as a finding of the doctor's."""
    answer = _whose(environment, release)
    if answer["verdict"] == "ok":
        return ok("bot", answer["message"])
    if answer["verdict"] == "unreachable":
        where = release.config["telegram_api_url"]
        return warn(
            "bot",
            f"{UNKNOWN}: {answer['message']}",
            f"see that the node reaches {where}; the bot is silent until then",
        )
    return bad("bot", answer["message"], answer["hint"])


def _whose(environment: Environment, release: Manifest) -> dict[str, Any]:
    words = ("services.telegram", "whose", "--env", environment.name, "--file", "-")
    content = (environment.releases / release.id / f".env.{environment.name}").read_bytes()
    limits: dict[str, Any] = {"timeout": PATIENCE, "expect": (0, REFUSED), "apart": True}
    return log_commands.ask(environment, release, *words, input=content, **limits)
