"""The chat that the bot listens to, under every id that it has had.

A group that becomes a supergroup gets another id. Telegram says so once in each of the two chats, and in the
refusal of whatever is sent to the old one. That is noted in the log: the next process knows it as well.
"""

from __future__ import annotations

import logging
from typing import cast

from services.domain.commands import NoteMigration
from services.projections.timeline import END
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
        self.ids: tuple[int, ...] = () if chat is None else (chat,)

    @property
    def now(self) -> int | None:
        """The id that the chat has now; None: it is not known which chat it is."""
        return self.ids[-1] if self.ids else None

    @property
    def may_move(self) -> bool:
        """Whether the chat is a group that may become a supergroup."""
        return self.now is not None and FIRST_SUPERGROUP < self.now < 0

    async def load(self) -> None:
        """Follow the moves that the log knows of. Raises HelionyxError where it cannot be read now."""
        moves: dict[int, int] = {}
        before = END
        while entries := await self._service.timeline(before, READ_AT_ONCE, ["ChatMigrated"]):
            for entry in entries:  # the newest first
                moves.setdefault(cast(int, entry.data["chat"]), cast(int, entry.data["to"]))
            before = entries[-1].position
        while self.now in moves and moves[self.now] not in self.ids:
            self.ids += (moves[self.now],)

    async def moved(self, chat: int, to: int) -> bool:
        """Follow a move of the chat; whether it is news. Raises HelionyxError where it is not noted."""
        if chat not in self.ids or to in self.ids:
            return False
        await self._service.record(NoteMigration(chat, to, source=SOURCE), f"migrated:{chat}:{to}")
        self.ids += (to,)
        logger.warning(
            "telegram: the group has become a supergroup, and is followed",
            extra={"fields": {"chat": chat, "now": to, "hint": f"set TELEGRAM_CHAT_ID={to}"}},
        )
        return True
