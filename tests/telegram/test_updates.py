"""What an update means."""

from __future__ import annotations

from typing import Any

import pytest
from telegram import Update

from services.telegram.updates import (
    Asked,
    Meaning,
    Nothing,
    Pressed,
    Stranger,
    Unset,
    Wordless,
    Words,
    action_of,
    meaning_of,
    number_of,
)

CHAT = 4711


def message(chat: int = CHAT, kind: str = "message", **content: Any) -> Update:
    """An update that holds one."""
    where = {"id": chat, "type": "private"}
    who = {"id": 1, "is_bot": False, "first_name": "Ada"}
    made = {"message_id": 7, "date": 1_770_000_000, "chat": where, "from": who, **content}
    update: Update = Update.de_json({"update_id": 1, kind: made}, None)
    return update


def pressed(chat: int | None, data: str = "done:12") -> Update:
    """An update that says that a button was pressed."""
    who = {"id": 1, "is_bot": False, "first_name": "Ada"}
    query: dict[str, Any] = {"id": "9", "from": who, "chat_instance": "x", "data": data}
    if chat is not None:
        query["message"] = {"message_id": 7, "date": 1, "chat": {"id": chat, "type": "private"}}
    update: Update = Update.de_json({"update_id": 1, "callback_query": query}, None)
    return update


def found(update: Update, chat: int | None = CHAT) -> Meaning:
    return meaning_of(update, chat, "helionyx_dev_bot")


def test_words_are_kept_with_the_time_at_which_they_were_said() -> None:
    """A caption too, and another wording of what was said."""
    said = found(message(text="buy milk"))
    assert isinstance(said, Words)
    assert (said.text, said.at.timestamp(), said.edited) == ("buy milk", 1_770_000_000, False)
    photo = [{"file_id": "a", "file_unique_id": "b", "width": 1, "height": 1}]
    said = found(message(photo=photo, caption="a cow"))
    assert isinstance(said, Words)
    assert said.text == "a cow"
    said = found(message(kind="edited_message", text="buy oat milk", edit_date=1_770_000_060))
    assert isinstance(said, Words)
    assert (said.at.timestamp(), said.edited) == (1_770_000_060, True)


def test_what_has_no_words() -> None:
    """A voice is answered; that somebody joined is not."""
    voice = {"file_id": "a", "file_unique_id": "b", "duration": 1}
    assert found(message(voice=voice)) == Wordless()
    assert found(message(photo=[])) == Nothing()
    assert found(message(new_chat_title="x")) == Nothing()
    assert found(message(text=" \n")) == Nothing()
    assert found(Update(5)) == Nothing()


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("/done 12", ("done", "12")),
        ("/Done@Helionyx_Dev_Bot  12 ", ("done", "12")),
        ("/search two words", ("search", "two words")),
        ("/done\n12", ("done", "12")),
        ("/todos", ("todos", "")),
        ("/done@other_bot 12", None),
        ("/home/ada is full", None),
        ("/ 12", None),
        ("a /done 12", None),
    ],
)
def test_commands(text: str, command: tuple[str, str] | None) -> None:
    """With the bot's name or without; what is another bot's, or a path, are words."""
    meaning = found(message(text=text))
    if command is None:
        assert isinstance(meaning, Words)
    else:
        assert isinstance(meaning, Asked)
        assert (meaning.name, meaning.rest) == command


def test_only_one_chat_is_listened_to() -> None:
    """Whatever comes from another, a button too; before it is known, /start alone says something."""
    assert found(message(99, text="/start")) == Stranger(99)
    assert found(pressed(99)) == Stranger(99)
    assert found(pressed(None)) == Stranger(None)
    assert found(message(99, text="/start"), None) == Unset(99)
    assert found(message(99, text="/todos"), None) == Stranger(99)
    assert found(pressed(99), None) == Stranger(99)
    assert found(pressed(CHAT)) == Pressed("9", "done:12", 7)


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
