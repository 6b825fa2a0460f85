"""The meaning of an update: pure, from its JSON as Telegram sends it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from services.domain.origin import Origin
from services.telegram.attachments import attachment_of, stub
from services.telegram.fields import Raw, moment, number, part, string, words
from services.telegram.origins import origin_of

SPOKEN = ("message", "edited_message", "channel_post", "edited_channel_post")
"""The kinds of updates that hold what somebody has said."""

KINDS = (*SPOKEN, "callback_query")
"""The kinds of updates that are asked for."""


@dataclass(frozen=True)
class Nothing:
    """Nobody said anything, such as where somebody joined a group."""


@dataclass(frozen=True)
class Stranger:
    """It comes from a chat that is not the environment's."""

    chat: int | None
    kind: str | None = None
    """The kind of the chat: a `group` becomes a `supergroup`, under another id."""


@dataclass(frozen=True)
class Unset:
    """/start, while it is not known which chat is the environment's."""

    chat: int


@dataclass(frozen=True)
class Migrated:
    """A group has become a supergroup, and with that has another id."""

    chat: int
    to: int


@dataclass(frozen=True)
class Words:
    """Something to be kept."""

    text: str
    at: datetime | None
    """When it was said, where that can be read."""
    origin: Origin


@dataclass(frozen=True)
class Pressed:
    """A button."""

    query: str
    data: str
    chat: int
    message: int
    """Below which it is."""


Meaning = Nothing | Stranger | Unset | Migrated | Words | Pressed


@dataclass(frozen=True)
class Asked:
    """A command, such as `/done 12`."""

    name: str
    rest: str
    bot: str
    """Whom it names; empty: nobody."""


def parse_update(update: Raw, chats: Collection[int]) -> Meaning:
    """Parse an update for the environment whose chat has these ids; without ids, the chat is unknown."""
    query = part(update, "callback_query")
    if query:
        return _pressed(query, chats)
    kind, message = message_in(update)
    if not message:
        return Nothing()
    moved = migration_of(update)
    if moved is not None and moved.chat in chats:
        return moved
    chat = number(part(message, "chat"), "id")
    # Telegram always names the chat. Where it cannot be read, the words are kept rather than lost.
    if chat not in chats and not (chat is None and chats):
        return _elsewhere(message, chat, chats)
    return _words(message, edited=kind.startswith("edited"))


def message_in(update: Raw) -> tuple[str, Raw]:
    """The message of an update, behind the kind of that; an empty one where it has none."""
    kind = next((kind for kind in SPOKEN if part(update, kind)), "")
    return kind, part(update, kind)


def migration_of(update: Raw) -> Migrated | None:
    """The move of a group, which updates report once in the old chat and once in the new one."""
    message = part(update, "message")
    here = number(part(message, "chat"), "id")
    to, old = number(message, "migrate_to_chat_id"), number(message, "migrate_from_chat_id")
    if here is None or (to is None and old is None):
        return None
    return Migrated(here, to) if to is not None else Migrated(old or 0, here)


def _pressed(query: Raw, chats: Collection[int]) -> Meaning:
    message = part(query, "message")
    chat, below = number(part(message, "chat"), "id"), number(message, "message_id")
    if chat is None or chat not in chats or below is None:
        return Stranger(chat)
    return Pressed(string(query, "id") or "", string(query, "data") or "", chat, below)


def _elsewhere(message: Raw, chat: int | None, chats: Collection[int]) -> Meaning:
    asked = command_of(string(message, "text") or "")
    if chat is not None and not chats and asked is not None and asked.name == "start":
        return Unset(chat)
    return Stranger(chat, string(part(message, "chat"), "type"))


def _words(message: Raw, *, edited: bool) -> Meaning:
    text = words(message, "text") or words(message, "caption")
    attachment = attachment_of(message)
    if text is None and (attachment is None or (edited and attachment.kind == "location")):
        return Nothing()  # a live location is edited all the time
    at = (moment(message, "edit_date") if edited else None) or moment(message, "date")
    origin = origin_of(message, attachment, edited=edited, wordless=text is None)
    return Words(text or (stub(attachment) if attachment else ""), at, origin)


def command_of(text: str) -> Asked | None:
    """The command that a text is; None where it is none."""
    first, *rest = text.split(maxsplit=1) or [""]
    name, _, bot = first.removeprefix("/").partition("@")
    if not first.startswith("/") or not name.isidentifier():
        return None
    return Asked(name.casefold(), " ".join(rest).strip(), bot.casefold())


def number_of(rest: str) -> int | None:
    """The number that a command names, such as 12 for `12` or `#12`."""
    digits = rest.removeprefix("#")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 18 else None


def action_of(data: str, verbs: Iterable[str]) -> tuple[str, int, str] | None:
    """Parse a button's data: a verb, a number, and its list or ""; None for other data."""
    verb, _, rest = data.partition(":")
    digits, _, where = rest.partition(":")
    number = number_of(digits)
    return None if number is None or verb not in verbs else (verb, number, where)
