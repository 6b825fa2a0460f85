"""The origin of a message: pure, from JSON of any version of the Bot API."""

from __future__ import annotations

from services.domain.origin import Attachment, Forward, Link, Origin, Person, Reply
from services.telegram.fields import Raw, items, moment, number, part, string

LONGEST_REPLY = 200
"""Of the text that is answered, in characters: it is in the log, or was said by the bot."""


def origin_of(message: Raw, attachment: Attachment | None, *, edited: bool, wordless: bool) -> Origin:
    """All that is known of a message beside its text and its time."""
    return Origin(
        number(part(message, "chat"), "id"),
        number(message, "message_id"),
        number(message, "message_thread_id"),
        _person(part(message, "sender_chat")) or _person(part(message, "from")),
        _reply(message),
        _forward(message),
        _links(message),
        attachment,
        string(message, "media_group_id"),
        edited,
        wordless,
    )


def _person(raw: Raw) -> Person | None:
    name = " ".join(filter(None, (string(raw, "first_name"), string(raw, "last_name"))))
    person = Person(number(raw, "id"), name or string(raw, "title"), string(raw, "username"))
    return None if person == Person() else person


def _reply(message: Raw) -> Reply | None:
    there, elsewhere = part(message, "reply_to_message"), part(message, "external_reply")
    if "forum_topic_created" in there:  # whatever is said in a topic answers its first message
        there = {}
    text = string(part(message, "quote"), "text") or string(there, "text") or string(there, "caption")
    sender = _person(part(there, "from")) or _source(part(elsewhere, "origin"))
    reply = Reply(
        number(there, "message_id") or number(elsewhere, "message_id"),
        None if text is None else text[:LONGEST_REPLY],
        sender,
        number(part(elsewhere, "chat"), "id"),
    )
    return None if reply == Reply() else reply


def _forward(message: Raw) -> Forward | None:
    origin = part(message, "forward_origin")
    if origin:
        forward = Forward(_source(origin), moment(origin, "date"), number(origin, "message_id"))
    else:  # before version 7.0 of the Bot API
        name = string(message, "forward_sender_name")
        sender = _person(part(message, "forward_from_chat")) or _person(part(message, "forward_from"))
        forward = Forward(
            sender or (None if name is None else Person(name=name)),
            moment(message, "forward_date"),
            number(message, "forward_from_message_id"),
        )
    return None if forward == Forward() else forward


def _source(origin: Raw) -> Person | None:
    """The author of a forwarded message: a user, a hidden user, or a chat."""
    for name in ("sender_user", "sender_chat", "chat"):
        person = _person(part(origin, name))
        if person is not None:
            return person
    hidden = string(origin, "sender_user_name")
    return None if hidden is None else Person(name=hidden)


def _links(message: Raw) -> tuple[Link, ...]:
    """The parts of the text that lead to an address, or to a person without a name."""
    links = []
    for text, entities in (("text", "entities"), ("caption", "caption_entities")):
        units = (string(message, text) or "").encode("utf-16-le")
        for entity in items(message, entities):
            user = number(part(entity, "user"), "id")
            url = string(entity, "url") or (None if user is None else f"tg://user?id={user}")
            begin, length = number(entity, "offset") or 0, number(entity, "length") or 0
            if url is not None:
                shown = units[2 * max(begin, 0) : 2 * max(begin + length, 0)].decode("utf-16-le", "replace")
                links.append(Link(shown, url))
    return tuple(links)
