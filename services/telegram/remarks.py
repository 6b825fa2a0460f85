"""The bot's remarks on messages and on its chat: pure."""

from __future__ import annotations

from collections.abc import Sequence

from services.telegram.texts import Reply


def noted(kinds: Sequence[str]) -> Reply:
    """The answer to messages without words: their kinds, one for each part of an album."""
    counts = {kind: kinds.count(kind) for kind in kinds}
    shown = [
        kind.replace("_", " ") if count == 1 else f"{count} x {kind.replace('_', ' ')}"
        for kind, count in counts.items()
    ]
    return Reply(f"recorded: {', '.join(shown)}. Only text is stored, such as a caption, not the content.")


def migrated(chat: int) -> Reply:
    """The group has become a supergroup."""
    return Reply(
        f"This group has become a supergroup, and its id is {chat} now. I follow it. Put"
        f" TELEGRAM_CHAT_ID={chat} into the environment's .env file when you deploy the next time."
    )


def late(command: str, standing: Reply) -> Reply:
    """The answer to a command that was carried out or refused a while ago."""
    return Reply(f"late answer to {command}\nnow: {standing.text}", standing.buttons)
