"""The state of the bot, for health and metrics."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

OFF, STARTING, POLLING, WAITING, RETRYING, CONFLICT, WEBHOOK, STOPPED = STATES = (
    "off",
    "starting",
    "polling",
    "waiting",
    "retrying",
    "conflict",
    "webhook",
    "stopped",
)
"""There is none; it begins; it listens; another process here has its token; it comes back by itself; another
process somewhere polls for it; Telegram sends its updates to a webhook; it has given up."""


@dataclass
class Status:
    """Written by the bot, read by health and metrics. Holds no secret."""

    state: str = OFF
    bot: str | None = None
    """Its name, once Telegram has said it."""
    reason: str | None = None
    """Why it does not listen."""
    last_poll: datetime | None = None
    """The time of the last poll that Telegram answered."""
    updates: int = 0
    """The number of handled updates."""
    ignored: int = 0
    """The number of those from other chats."""
    sent: int = 0
    owed: int = 0
    """The number of replies that wait to be sent."""
    failures: int = 0
    """The number of sendings that failed, or perhaps did."""

    def now(self, state: str, reason: str | None = None) -> bool:
        """It is in this state, for this reason, from now on; whether it was not before."""
        changed = (self.state, self.reason) != (state, reason)
        self.state, self.reason = state, reason
        return changed

    def polled(self) -> None:
        """Note that Telegram has answered a poll."""
        self.last_poll = datetime.now(UTC)

    def facts(self) -> dict[str, str | None]:
        """The members of the health answer."""
        last = None if self.last_poll is None else self.last_poll.isoformat(timespec="milliseconds")
        return {
            "state": self.state,
            "bot": self.bot,
            "reason": self.reason,
            "last_poll": None if last is None else last.removesuffix("+00:00") + "Z",
        }
