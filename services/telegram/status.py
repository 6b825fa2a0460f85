"""How the bot does: what health and metrics tell of it."""

from __future__ import annotations

from dataclasses import dataclass

OFF, STARTING, POLLING, WAITING, RETRYING, STOPPED = STATES = (
    "off",
    "starting",
    "polling",
    "waiting",
    "retrying",
    "stopped",
)
"""There is none; it begins; it listens; another process has its token; it comes back; it has given up."""


@dataclass
class Status:
    """Written by the bot, read by whoever wants to know. Holds no secret."""

    state: str = OFF
    bot: str | None = None
    """Its name, once Telegram has said it."""
    reason: str | None = None
    """Why it does not listen."""
    updates: int = 0
    """How many updates were handled."""
    ignored: int = 0
    """How many of them came from another chat than the environment's."""
    sent: int = 0
    failures: int = 0
    """How many sendings have failed, or perhaps have."""

    def now(self, state: str, reason: str | None = None) -> bool:
        """It is in this state, for this reason, from now on; whether it was not before."""
        changed = (self.state, self.reason) != (state, reason)
        self.state, self.reason = state, reason
        return changed

    def told(self) -> dict[str, str | None]:
        """What health says of it."""
        return {"state": self.state, "bot": self.bot, "reason": self.reason}
