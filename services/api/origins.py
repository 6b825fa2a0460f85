"""The description of a message's origin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.api.schemas import Component, moment, named, text


def _known(name: str, description: str, /, *required: str, **properties: Mapping[str, Any]) -> Component:
    """The named schema of an object with the `required` members, and with others where they are known."""
    schema: dict[str, Any] = {"type": "object", "description": description, "properties": properties}
    return named(name, {**schema, "required": list(required)} if required else schema)


def _number(description: str) -> dict[str, Any]:
    return {"type": "integer", "description": description}


def _flag(description: str) -> dict[str, Any]:
    return {"type": "boolean", "default": False, "description": description}


PERSON = _known(
    "Person",
    "A person, a bot, or a chat that speaks for itself.",
    id=_number("The id in the chat's service."),
    name=text("The name that is shown."),
    username=text("The user name, without `@`."),
)

REPLY = _known(
    "Reply",
    "The message that is answered.",
    message=_number("The number of that message in its chat."),
    text=text("The quoted part of that message, or its beginning."),
    sender=PERSON,
    chat=_number("The chat of that message, where it is another one."),
)

FORWARD = _known(
    "Forward",
    "The message that is forwarded.",
    sender=PERSON,
    at=moment("The time at which that message was sent."),
    message=_number("The number of that message in its channel."),
)

LINK = _known(
    "Link",
    "A part of the text that leads to an address which the text does not show.",
    "text",
    "url",
    text=text("The part of the text."),
    url=text("The address."),
)

ATTACHMENT = _known(
    "Attachment",
    "A file or the like that came with the text. Its content is not recorded.",
    "kind",
    kind=text("The kind, such as `photo`, `voice` or `location`."),
    file=text("The id of the file in the chat's service."),
    words=text("What the attachment says of itself: the name of a file, the question of a poll."),
)

ORIGIN = _known(
    "Origin",
    "The chat that a message comes from, and all that is known beside its text and time.",
    chat=_number("The id of the chat."),
    message=_number("The number of the message in the chat."),
    thread=_number("The topic of the chat."),
    sender=PERSON,
    reply=REPLY,
    forward=FORWARD,
    links={"type": "array", "items": LINK, "description": "The links of the text."},
    attachment=ATTACHMENT,
    album=text("The id that the parts of one album share."),
    edited=_flag("Whether the message is a new wording of an earlier one."),
    wordless=_flag("Whether the message had no words; `text` says then what it was."),
)
