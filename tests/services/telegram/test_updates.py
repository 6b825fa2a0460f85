"""The meaning of updates, from their JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.origin import Attachment, Forward, Link, Origin, Person, Reply
from services.telegram.updates import (
    KINDS,
    Asked,
    Meaning,
    Migrated,
    Nothing,
    Pressed,
    Stranger,
    Unset,
    Words,
    action_of,
    command_of,
    number_of,
    parse_update,
)

CHAT = 4711
SAID_AT = datetime.fromtimestamp(1_770_000_000, UTC)
ADA = {"id": 1, "is_bot": False, "first_name": "Ada", "last_name": "Lovelace", "username": "ada"}


def message(chat: int = CHAT, kind: str = "message", **content: Any) -> dict[str, Any]:
    """An update that holds one."""
    where = {"id": chat, "type": "private"}
    made = {"message_id": 7, "date": 1_770_000_000, "chat": where, "from": ADA, **content}
    return {"update_id": 1, kind: made}


def in_chat(chat: object) -> dict[str, Any]:
    """An update that holds a message in that chat."""
    return {"update_id": 1, "message": message(text="a")["message"] | {"chat": chat}}


def pressed(chat: int | None, data: str = "done:12") -> dict[str, Any]:
    """An update that says that a button was pressed."""
    query: dict[str, Any] = {"id": "9", "from": ADA, "chat_instance": "x", "data": data}
    if chat is not None:
        query["message"] = {"message_id": 7, "date": 1, "chat": {"id": chat, "type": "private"}}
    return {"update_id": 1, "callback_query": query}


def found(update: dict[str, Any], *chats: int) -> Meaning:
    return parse_update(update, chats or (CHAT,))


def said(update: dict[str, Any]) -> Words:
    """The words in an update."""
    parsed = found(update)
    assert isinstance(parsed, Words), parsed
    return parsed


def origin(**content: Any) -> Origin:
    """The origin of a message, with defaults for the common members."""
    made = said(message(**({"text": "a"} | content))).origin
    assert (made.chat, made.message, made.sender) == (CHAT, 7, Person(1, "Ada Lovelace", "ada"))
    return made


def test_words_are_kept_with_the_time_at_which_they_were_said() -> None:
    """A caption too, and another wording of what was said."""
    words = said(message(text="buy milk"))
    assert (words.text, words.at, words.origin.edited) == ("buy milk", SAID_AT, False)
    photo = [{"file_id": "small"}, {"file_id": "large"}]
    words = said(message(photo=photo, caption="a cow"))
    assert (words.text, words.origin.wordless) == ("a cow", False)
    assert words.origin.attachment == Attachment("photo", "large")
    words = said(message(kind="edited_message", text="buy oat milk", edit_date=1_770_000_060))
    assert (words.at, words.origin.edited) == (datetime.fromtimestamp(1_770_000_060, UTC), True)


@pytest.mark.parametrize(
    ("content", "text", "file"),
    [
        ({"photo": [{"file_id": "small"}, {"file_id": "large"}]}, "(photo)", "large"),
        ({"voice": {"file_id": "v", "duration": 1}}, "(voice)", "v"),
        ({"video_note": {"file_id": "n"}}, "(video note)", "n"),
        ({"document": {"file_id": "d", "file_name": "plan.pdf"}}, "(document) plan.pdf", "d"),
        ({"animation": {"file_id": "a"}, "document": {"file_id": "d"}}, "(animation)", "a"),
        ({"sticker": {"file_id": "s", "emoji": "🐄", "set_name": "cows"}}, "(sticker) 🐄", "s"),
        ({"location": {"latitude": 48.2, "longitude": 16.37}}, "(location) 48.2 16.37", None),
        (
            {"venue": {"location": {"latitude": 1}, "title": "Café", "address": "Ring 1"}, "location": {}},
            "(venue) 1 Café Ring 1",
            None,
        ),
        ({"contact": {"phone_number": "+43 1", "first_name": "Ada"}}, "(contact) +43 1 Ada", None),
        (
            {"poll": {"id": "1", "question": "Lunch?", "options": [{"text": "Pizza"}, {"text": "Soup"}]}},
            "(poll) Lunch? Pizza Soup",
            None,
        ),
        ({"dice": {"emoji": "🎲", "value": 4}}, "(dice) 🎲 4", None),
        ({"checklist": {"title": "Trip", "tasks": [{"text": "pack"}]}}, "(checklist) Trip pack", None),
        ({"checklist_tasks_added": {"tasks": [{"text": "eat"}]}}, "(checklist tasks added) eat", None),
        ({"hologram": {"file_id": "h", "title": "Ada"}}, "(hologram) Ada", "h"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_has_no_words_is_noted(content: dict[str, Any], text: str, file: str | None) -> None:
    """With its kind, its file, and what it says of itself; also of a kind that nobody has heard of."""
    words = said(message(**content))
    assert (words.text, words.origin.wordless) == (text, True)
    assert words.origin.attachment is not None
    assert words.origin.attachment.file == file


def test_what_nobody_has_said() -> None:
    """Joins, new topics and updates of a live location are no messages of a person."""
    contents: list[dict[str, Any]] = [
        *({"photo": []}, {"text": " \n"}, {"has_media_spoiler": True}, {}),
        *({"new_chat_title": "x"}, {"new_chat_members": [ADA]}, {"forum_topic_created": {"name": "x"}}),
        {"pinned_message": {"text": "said before"}},
    ]
    for content in contents:
        assert found(message(**content)) == Nothing()
    assert found({"update_id": 5}) == Nothing()
    assert found(message(kind="edited_message", location={"latitude": 1, "longitude": 2})) == Nothing()


def test_where_it_comes_from() -> None:
    """Topic, reply, quote, forward, links and album; what all versions of the Bot API say of it."""
    assert origin(message_thread_id=3, media_group_id="g").thread == 3
    assert origin(media_group_id="g").album == "g"
    before = {"message_id": 6, "text": "buy milk? " + "x" * 300, "from": {"id": 2, "first_name": "Charles"}}
    reply = origin(reply_to_message=before).reply
    assert reply is not None
    assert (reply.message, reply.text, reply.sender) == (6, before["text"][:200], Person(2, "Charles"))  # type: ignore[index]
    assert origin(reply_to_message=before, quote={"text": "milk", "position": 4}).reply == Reply(
        6, "milk", Person(2, "Charles")
    )
    topic = {"message_id": 3, "forum_topic_created": {"name": "Home"}}
    assert origin(message_thread_id=3, reply_to_message=topic).reply is None
    elsewhere = {"origin": {"type": "channel", "chat": {"id": -9, "title": "News"}}, "chat": {"id": -9}}
    assert origin(external_reply=elsewhere).reply == Reply(None, None, Person(-9, "News"), -9)
    assert origin(sender_chat=None).forward is None


@pytest.mark.parametrize(
    ("content", "forward"),
    [
        (
            {"forward_origin": {"type": "user", "date": 1_770_000_000, "sender_user": ADA}},
            Forward(Person(1, "Ada Lovelace", "ada"), SAID_AT),
        ),
        (
            {"forward_origin": {"type": "hidden_user", "date": 1_770_000_000, "sender_user_name": "Ada"}},
            Forward(Person(name="Ada"), SAID_AT),
        ),
        (
            {"forward_origin": {"type": "channel", "chat": {"id": -9, "title": "News"}, "message_id": 5}},
            Forward(Person(-9, "News"), None, 5),
        ),
        (
            {"forward_from": ADA, "forward_date": 1_770_000_000},
            Forward(Person(1, "Ada Lovelace", "ada"), SAID_AT),
        ),
        ({"forward_sender_name": "Ada"}, Forward(Person(name="Ada"))),
        (
            {"forward_from_chat": {"id": -9, "title": "News"}, "forward_from_message_id": 5},
            Forward(Person(-9, "News"), None, 5),
        ),
    ],
)
def test_who_said_it_first(content: dict[str, Any], forward: Forward) -> None:
    """Of what is forwarded, in the words of every version of the Bot API."""
    assert origin(**content).forward == forward


def test_links_that_do_not_show_where_they_lead() -> None:
    """Their offsets count in UTF-16; those that show their address are in the text."""
    link = {"type": "text_link", "offset": 3, "length": 4, "url": "https://example.org/"}
    shown = {"type": "url", "offset": 0, "length": 2}
    assert origin(text="🐄 here", entities=[shown, link]).links == (Link("here", "https://example.org/"),)
    person = {"type": "text_mention", "offset": 0, "length": 3, "user": ADA}
    words = said(message(photo=[{"file_id": "a"}], caption="Ada!", caption_entities=[person]))
    assert words.origin.links == (Link("Ada", "tg://user?id=1"),)


BROKEN = {
    "a reply to a poll": {"reply_to_message": {"poll": {"options": None}}},
    "a date": {"date": "yesterday"},
    "a number": {"message_id": {"x": 1}},
    "a sender": {"from": "Ada"},
    "entities": {"entities": {"type": 5}},
    "an entity": {"entities": [{"type": "text_link", "offset": "a", "url": ["x"]}, 7, None]},
    "a forward": {"forward_origin": {"type": "user", "sender_user": 5, "date": 10**40}},
    "a picture": {"photo": "cow"},
    "an album": {"media_group_id": 5},
    "a chat": {"chat": {"type": "group"}},
    "no chat": {"chat": None},
}


@pytest.mark.parametrize("part", BROKEN, ids=str)
def test_the_words_of_a_message_of_which_a_part_cannot_be_read(part: str) -> None:
    """They are kept, with as much else as can be read."""
    whole = message(text="buy milk")["message"]
    assert said({"update_id": 1, "message": whole | BROKEN[part]}).text == "buy milk"


def test_words_in_another_shape() -> None:
    """Are words; half of a character is none."""
    assert said(message(text={"rich": ["buy", {"bold": "milk"}]})).text == "buy milk"
    assert said(message(text="a \ud83d b")).text == "a � b"
    assert said(message(text="\ud83d\udc04")).text == "🐄"


NAMES = ("id", "chat", "text", "file_id", "date", "title", "message_id", "sender_user", "url", "offset", "x")
PLACES = ("reply_to_message", "photo", "entities", "forward_origin", "from", "poll", "quote", "date", "venue")
PARTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.sampled_from(NAMES), part, max_size=4),
    max_leaves=12,
)


@given(PARTS, st.sampled_from(PLACES))
def test_no_part_of_a_message_costs_the_words(part: Any, name: str) -> None:
    """A malformed part of any kind is dropped, and the text stays."""
    assert said(message(**{"text": "buy milk", name: part})).text == "buy milk"


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("/done 12", Asked("done", "12", "")),
        ("/Done@Helionyx_Dev_Bot  12 ", Asked("done", "12", "helionyx_dev_bot")),
        ("/search two words", Asked("search", "two words", "")),
        ("/done\n12", Asked("done", "12", "")),
        ("/todos", Asked("todos", "", "")),
        ("/done@other_bot 12", Asked("done", "12", "other_bot")),
        ("/home/ada is full", None),
        ("/ 12", None),
        ("a /done 12", None),
        ("", None),
    ],
)
def test_commands(text: str, command: Asked | None) -> None:
    """With a bot's name or without; a path is words."""
    assert command_of(text) == command


def test_only_one_chat_is_listened_to() -> None:
    """Whatever comes from another, a button too; before it is known, /start alone says something."""
    assert found(message(99, text="/start")) == Stranger(99, "private")
    assert found(in_chat({"id": 99, "type": "supergroup"})) == Stranger(99, "supergroup")
    assert found(pressed(99)) == Stranger(99)
    assert found(pressed(None)) == Stranger(None)
    assert parse_update(message(99, text="/start"), ()) == Unset(99)
    assert parse_update(message(99, text="/todos"), ()) == Stranger(99, "private")
    assert parse_update(in_chat(None), ()) == Stranger(None)
    assert parse_update(pressed(99), ()) == Stranger(99)
    assert found(pressed(CHAT)) == Pressed("9", "done:12", CHAT, 7)
    assert isinstance(found(message(-5, text="a"), -1001, -5), Words)


@pytest.mark.parametrize("kind", ["channel_post", "edited_channel_post"])
def test_what_a_channel_says(kind: str) -> None:
    """Is asked for, and words as in any other chat."""
    assert kind in KINDS
    words = said(message(kind=kind, text="buy milk", edit_date=1_770_000_060))
    assert (words.text, words.origin.edited) == ("buy milk", kind.startswith("edited"))


def test_a_group_that_becomes_a_supergroup() -> None:
    """Is told of in the one and in the other; of another group, nobody here wants to know."""
    assert found(message(-5, migrate_to_chat_id=-1001), -5) == Migrated(-5, -1001)
    assert found(message(-1001, migrate_from_chat_id=-5), -5) == Migrated(-5, -1001)
    assert found(message(-6, migrate_to_chat_id=-1002), -5) == Stranger(-6, "private")
    assert found(message(-1002, migrate_from_chat_id=-6), -5) == Stranger(-1002, "private")


def test_numbers_and_what_buttons_ask_for() -> None:
    """Nothing but a verb that there is, and a number that the log can have."""
    assert (number_of("12"), number_of("#12"), number_of("-1"), number_of("²"), number_of("")) == (
        *(12, 12, None, None, None),
    )
    assert number_of("9" * 19) is None
    assert action_of("done:12", ["done"]) == ("done", 12, "")
    assert action_of("done:12:todos", ["done"]) == ("done", 12, "todos")
    assert action_of("done:x:todos", ["done"]) is None
    assert action_of("drop:12", ["done"]) is None
    assert action_of("done", ["done"]) is None
