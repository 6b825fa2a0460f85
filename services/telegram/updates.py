"""What an update means: pure, of the library's values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from telegram import Message, Update

KINDS = ("message", "edited_message", "callback_query")
"""The kinds of updates that are asked for."""


@dataclass(frozen=True)
class Nothing:
    """Nobody said anything, such as where somebody joined a group."""


@dataclass(frozen=True)
class Stranger:
    """It comes from a chat that is not the environment's."""

    chat: int | None


@dataclass(frozen=True)
class Unset:
    """/start, while it is not known which chat is the environment's."""

    chat: int


@dataclass(frozen=True)
class Words:
    """Something to be kept."""

    text: str
    at: datetime
    edited: bool = False
    """Whether it is another wording of what was said before."""


@dataclass(frozen=True)
class Wordless:
    """A picture, a voice: nothing that can be kept."""


@dataclass(frozen=True)
class Asked:
    """A command, such as `/done 12`."""

    text: str
    at: datetime
    name: str
    rest: str


@dataclass(frozen=True)
class Pressed:
    """A button."""

    query: str
    data: str
    message: int
    """Below which it is."""


Meaning = Nothing | Stranger | Unset | Words | Wordless | Asked | Pressed


def meaning_of(update: Update, chat: int | None, bot: str) -> Meaning:
    """What an update is for the environment whose chat and bot these are; None: its chat is not known yet."""
    query, message = update.callback_query, update.message or update.edited_message
    if query is not None:
        where = None if query.message is None else query.message.chat.id
        if where is None or where != chat or query.message is None:
            return Stranger(where)
        return Pressed(query.id, query.data or "", query.message.message_id)
    if message is None:
        return Nothing()
    if message.chat.id != chat:
        name, _ = _command(message.text or "", bot) or ("", "")
        return Unset(message.chat.id) if chat is None and name == "start" else Stranger(message.chat.id)
    return _told(message, bot, edited=update.edited_message is not None)


def _told(message: Message, bot: str, *, edited: bool) -> Meaning:
    text = message.text or message.caption or ""
    if not text.strip():
        return Wordless() if message.effective_attachment and not edited else Nothing()
    if edited:
        return Words(text, message.edit_date or message.date, edited=True)
    command = _command(text, bot)
    if command is None:
        return Words(text, message.date)
    return Asked(text, message.date, *command)


def _command(text: str, bot: str) -> tuple[str, str] | None:
    """The name of a command and what stands behind it; None where it is none, or is meant for another bot."""
    first, *rest = text.split(maxsplit=1) or [""]
    name, _, other = first.removeprefix("/").partition("@")
    if not first.startswith("/") or not name.isidentifier() or other.casefold() not in ("", bot.casefold()):
        return None
    return name.casefold(), " ".join(rest).strip()


def number_of(rest: str) -> int | None:
    """The number that a command names, such as 12 for `12` or `#12`."""
    digits = rest.removeprefix("#")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 18 else None


def action_of(data: str, verbs: Iterable[str]) -> tuple[str, int, str] | None:
    """What a button asks for: a verb, a number, and the list that it is in or ""; None for anything else."""
    verb, _, rest = data.partition(":")
    digits, _, where = rest.partition(":")
    number = number_of(digits)
    return None if number is None or verb not in verbs else (verb, number, where)
