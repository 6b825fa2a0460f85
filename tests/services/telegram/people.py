"""People who write to a bot, whatever becomes of it meanwhile."""

from __future__ import annotations

import threading

from tests.services.telegram.bot import Bot

MOST_WAITING = 30
"""How many messages may wait: what they say is to be answered, and not only to pile up."""


class People(threading.Thread):
    """They say one thing after the other, and each only once."""

    def __init__(self, bot: Bot, chat: int, pause: float = 0.05) -> None:
        super().__init__()
        self.said: list[str] = []
        self.over = threading.Event()
        self._bot = bot
        self._chat = chat
        self._pause = pause  # seconds between two messages

    def run(self) -> None:
        """Until it is over."""
        while not self.over.wait(self._pause):
            if len(self._bot.pending) >= MOST_WAITING:
                continue
            text = f"todo: number {len(self.said)}"
            self._bot.say(self._chat, text)
            self.said.append(text)
