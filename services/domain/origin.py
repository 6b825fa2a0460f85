"""The origin of a message: its sender, its chat, the message it answers, and its attachment."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class Person(Struct, frozen=True, omit_defaults=True):
    """A person, a bot, or a chat that speaks for itself."""

    id: int | None = None
    name: str | None = None
    """As it is shown."""
    username: str | None = None


class Reply(Struct, frozen=True, omit_defaults=True):
    """The message that is answered."""

    message: int | None = None
    text: str | None = None
    """The beginning of that message, or the part of it that was quoted."""
    sender: Person | None = None
    chat: int | None = None
    """The chat of that message; None: the same chat."""


class Forward(Struct, frozen=True, omit_defaults=True):
    """The message that this one repeats."""

    sender: Person | None = None
    at: datetime | None = None
    message: int | None = None
    """Its number in a channel."""


class Link(Struct, frozen=True):
    """A part of the text that leads somewhere without showing the address."""

    text: str
    url: str


class Attachment(Struct, frozen=True, omit_defaults=True):
    """A file, place or the like that came with the text or in its place; its content is not stored."""

    kind: str
    """Such as `photo`, `voice` or `location`."""
    file: str | None = None
    """The id by which the chat's server knows it."""
    words: str | None = None
    """Its own text, such as the name of a file, or the question of a poll."""


class Origin(Struct, frozen=True, omit_defaults=True):
    """All that is known of a message beside its text and its time. What is not known is left out."""

    chat: int | None = None
    message: int | None = None
    """Its number in the chat."""
    thread: int | None = None
    """The topic of the chat that it is in."""
    sender: Person | None = None
    reply: Reply | None = None
    forward: Forward | None = None
    links: tuple[Link, ...] = ()
    attachment: Attachment | None = None
    album: str | None = None
    """The id of an album, the same for its parts."""
    edited: bool = False
    """Whether it is another wording of what was said before."""
    wordless: bool = False
    """Whether the message had no text of its own: the recorded text names its kind."""
