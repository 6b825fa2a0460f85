"""The chat that the bot listens to, under every id that it has had.

A group that becomes a supergroup gets another id. Telegram says so once in each of the two chats, and in the
refusal of whatever is sent to the old one. That is noted in the log: the next process knows it as well.
"""

from __future__ import annotations

import logging
from typing import cast

from services.domain.commands import NoteMigration
from services.projections.pages import END
from services.service import Service

logger = logging.getLogger("helionyx")

SOURCE = "telegram"

READ_AT_ONCE = 100

FIRST_SUPERGROUP = -1_000_000_000_000
"""The ids of supergroups and channels are below it, those of groups above."""


class Chats:
    """The ids of one environment's chat."""

    def __init__(self, service: Service, chat: int | None) -> None:
        self._service = service
        self.configured = chat
        self.ids: tuple[int, ...] = () if chat is None else (chat,)

    @property
    def now(self) -> int | None:
        """The id that the chat has now; None where the chat is not known yet."""
        return self.ids[-1] if self.ids else None

    def move_with(self, other: int, kind: str | None) -> tuple[int, int] | None:
        """The move, from one id to the next, by which another chat of this kind would be this one."""
        if self.now is None or self.now >= 0:
            return None
        is_group = self.now > FIRST_SUPERGROUP
        if is_group and kind == "supergroup":
            return self.now, other
        return None if is_group or kind != "group" else (other, self.now)

    async def load(self) -> None:
        """Follow the moves that the log knows of. Raises HelionyxError where it cannot be read now."""
        moves: list[tuple[int, int]] = []
        before = END
        while entries := await self._service.timeline(before, READ_AT_ONCE, ["ChatMigrated"]):
            moves += ((cast(int, entry.data["chat"]), cast(int, entry.data["to"])) for entry in entries)
            before = entries[-1].position
        moves.reverse()  # the oldest first
        while sum(self._follow(chat, to) for chat, to in moves):
            pass

    async def moved(self, chat: int, to: int) -> bool:
        """Follow a move of the chat; whether it is news. Raises HelionyxError where it is not noted."""
        if not self._is_news(chat, to):
            return False
        await self._service.record(NoteMigration(chat, to, source=SOURCE), f"migrated:{chat}:{to}")
        self._follow(chat, to)
        if to != self.configured:
            logger.warning(
                "telegram: the group has become a supergroup, and is followed",
                extra={"fields": {"chat": chat, "now": to, "hint": f"set TELEGRAM_CHAT_ID={to}"}},
            )
        return True

    def _is_news(self, chat: int, to: int) -> bool:
        return (chat in self.ids) != (to in self.ids)

    def _follow(self, chat: int, to: int) -> bool:
        """Add the id that the chat has next, or the one it had before; whether there was one to add.

        The configuration may name the new id while words wait that were said under the old one.
        """
        if not self._is_news(chat, to):
            return False
        self.ids = (*self.ids, to) if chat in self.ids else (chat, *self.ids)
        return True
