"""The Bot API of the tests, asked by the library that the service uses: it behaves as the real one says."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from telegram import Bot as Library
from telegram import InlineKeyboardButton, InlineKeyboardMarkup
from telegram.error import BadRequest, ChatMigrated, Conflict

from tests.services.telegram.bot import Bot
from tests.services.telegram.bot_api import BotApi
from tests.services.telegram.conftest import CHAT, GROUP, ask, updates

DONE = InlineKeyboardMarkup([[InlineKeyboardButton("Done", callback_data="done:1")]])
LATER = InlineKeyboardMarkup([[InlineKeyboardButton("Later", callback_data="later:1")]])


def test_who_a_bot_is(api: BotApi) -> None:
    """A token says which of several bots is meant."""
    first, second = api.add("helionyx_dev_bot"), api.add("helionyx_staging_bot")
    for bot in (first, second):
        me = ask(api, bot.token, lambda library: library.get_me())
        assert (me.id, me.username, me.is_bot) == (bot.id, bot.username, True)


def test_updates_stay_until_a_higher_offset_confirms_them(api: BotApi, bot: Bot) -> None:
    """Whoever asks again gets them again; those that were confirmed are gone for good."""
    for text in ("one", "two", "three"):
        bot.say(CHAT, text)
    first = updates(api, bot)
    assert [update.message.text for update in first if update.message] == ["one", "two", "three"]
    assert updates(api, bot) == first
    assert updates(api, bot, limit=2) == first[:2]
    assert updates(api, bot, offset=first[1].update_id) == first[1:]
    assert updates(api, bot, offset=first[2].update_id + 1) == ()
    assert updates(api, bot, offset=0) == () == tuple(bot.pending)


def test_a_negative_offset_forgets_all_but_the_last(api: BotApi, bot: Bot) -> None:
    """It counts from the end."""
    for text in ("one", "two", "three"):
        bot.say(CHAT, text)
    (last,) = updates(api, bot, offset=-1)
    assert last.message is not None
    assert last.message.text == "three"
    assert len(bot.pending) == 1


def test_a_long_poll_is_answered_as_soon_as_something_is_said(api: BotApi, bot: Bot) -> None:
    """And with nothing, when its time is up."""
    begun = time.monotonic()
    assert updates(api, bot, timeout=1) == ()
    assert 0.9 < time.monotonic() - begun < 5
    teller = threading.Thread(target=lambda: bot.wait(lambda: bot.polling) and bot.say(CHAT, "buy milk"))
    teller.start()
    (update,) = updates(api, bot, timeout=40)
    teller.join()
    assert update.message is not None
    assert update.message.text == "buy milk"
    assert time.monotonic() - begun < 20


def test_a_newer_poll_ends_the_older_one(api: BotApi, bot: Bot) -> None:
    """The older one is told of the conflict; the newer one gets what there is."""

    async def both() -> tuple[Any, Any]:
        first, second = (Library(bot.token, base_url=f"{api.url}/bot") for _ in range(2))
        async with first, second:
            older = asyncio.create_task(first.get_updates(timeout=40))
            await asyncio.to_thread(bot.wait, lambda: bot.polling)
            newer = asyncio.create_task(second.get_updates(timeout=40))
            conflict = (await asyncio.gather(older, return_exceptions=True))[0]
            bot.say(CHAT, "buy milk")
            return conflict, await newer

    conflict, (update,) = asyncio.run(both())
    assert isinstance(conflict, Conflict)
    assert "terminated by other getUpdates request" in str(conflict)
    assert update.message.text == "buy milk"


def test_only_the_kinds_of_updates_that_were_asked_for(api: BotApi, bot: Bot) -> None:
    """From the call on that names them; a call that names none leaves it at that."""
    said = bot.say(CHAT, "one")
    updates(api, bot, allowed_updates=["edited_message"])
    updates(api, bot)
    bot.say(CHAT, "two")
    bot.correct(said, "one and a half")
    first, second = updates(api, bot)
    assert first.message is not None
    assert second.edited_message is not None
    assert (first.message.text, second.edited_message.text) == ("one", "one and a half")


def test_a_message_with_buttons_its_presses_and_its_edits(api: BotApi, bot: Bot) -> None:
    """All that a conversation is made of, as the bot and as its people see it."""
    ask(api, bot.token, lambda library: library.send_message(CHAT, "buy milk", reply_markup=DONE))
    sent = bot.wait_sent("milk")
    assert (sent.chat, sent.labels, sent.buttons, sent.reply_to) == (CHAT, ["Done"], ["done:1"], None)
    with pytest.raises(AssertionError, match="'no' is not among"):
        bot.press(sent, "no")
    query = bot.press(sent, "done:1")
    (update,) = updates(api, bot)
    assert update.callback_query is not None
    assert (update.callback_query.id, update.callback_query.data) == (query, "done:1")
    assert update.callback_query.message is not None
    assert update.callback_query.message.message_id == sent.number
    assert ask(api, bot.token, lambda library: library.answer_callback_query(query, "noted"))
    assert bot.answers == {query: "noted"}

    ask(
        api,
        bot.token,
        lambda library: library.edit_message_reply_markup(CHAT, sent.number, reply_markup=LATER),
    )
    assert (sent.text, sent.buttons) == ("buy milk", ["later:1"])
    ask(api, bot.token, lambda library: library.edit_message_text("done", CHAT, sent.number))
    assert [(version.text, len(version.keyboard)) for version in sent.versions] == [
        ("buy milk", 1),
        ("buy milk", 1),
        ("done", 0),
    ]
    bot.press(sent, "later:1", stale=True)  # a screen that has not seen the edit


def test_chats_and_replies(api: BotApi, bot: Bot) -> None:
    """A group has a negative number and people of its own; a reply names what it answers."""
    bot.say(GROUP, "/list all", user=7)
    (update,) = updates(api, bot)
    message = update.message
    assert message is not None
    assert message.from_user is not None
    assert (message.chat.type, message.chat.id, message.from_user.id) == ("group", GROUP, 7)
    assert message.parse_entities() == {message.entities[0]: "/list"}
    ask(
        api,
        bot.token,
        lambda library: library.send_message(GROUP, "nothing", reply_to_message_id=message.message_id),
    )
    assert bot.wait_sent("nothing").reply_to == message.message_id


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (lambda library: library.send_message(CHAT, "x" * 4097), "Message is too long"),
        (lambda library: library.send_message(CHAT, "\N{GRINNING FACE}" * 2049), "Message is too long"),
        (lambda library: library.send_message(CHAT, " "), "Message text is empty"),
        (lambda library: library.send_message("@nobody", "x"), "Chat not found"),
        (lambda library: library.edit_message_text("x", CHAT, 99), "Message to edit not found"),
        (lambda library: library.answer_callback_query("1"), "Query is too old and response timeout expired"),
        (
            lambda library: library.send_message(
                CHAT, "x", reply_markup=InlineKeyboardMarkup.from_button(button("d" * 65))
            ),
            "Button_data_invalid",
        ),
    ],
)
def test_what_cannot_be_is_a_bad_request(
    api: BotApi, bot: Bot, what: Callable[[Library], Awaitable[Any]], said: str
) -> None:
    """It says what is wrong, and nothing is sent."""
    with pytest.raises(BadRequest, match=said):
        ask(api, bot.token, what)
    assert bot.sent == []


def button(data: str) -> InlineKeyboardButton:
    """One that says `data` when it is pressed."""
    return InlineKeyboardButton("Press", callback_data=data)


def test_the_longest_text_is_taken_and_the_same_edit_is_not(api: BotApi, bot: Bot) -> None:
    """4096 characters are a message; an edit has to change something."""
    ask(api, bot.token, lambda library: library.send_message(CHAT, "x" * 4096))
    (sent,) = bot.sent
    with pytest.raises(BadRequest, match="Message is not modified"):
        ask(api, bot.token, lambda library: library.edit_message_text("x" * 4096, CHAT, sent.number))


def test_a_group_that_became_a_supergroup(api: BotApi, bot: Bot) -> None:
    """Both chats are told; what is sent to the old one is refused, with the new id."""
    bot.migrate(-5, -1_000_000_000_005)
    first, second = (update.message for update in updates(api, bot))
    assert first is not None
    assert second is not None
    assert (first.chat.id, first.migrate_to_chat_id) == (-5, -1_000_000_000_005)
    assert (second.chat.id, second.migrate_from_chat_id) == (-1_000_000_000_005, -5)
    assert (first.chat.type, second.chat.type) == ("group", "supergroup")
    with pytest.raises(ChatMigrated) as raised:
        ask(api, bot.token, lambda library: library.send_chat_action(-5, "typing"))
    assert raised.value.new_chat_id == -1_000_000_000_005


def test_a_webhook_keeps_polls_from_being_answered(api: BotApi, bot: Bot) -> None:
    """Until it is deleted."""
    ask(api, bot.token, lambda library: library.set_webhook("https://hooks.example.org/"))
    assert ask(api, bot.token, lambda library: library.get_webhook_info()).url
    with pytest.raises(Conflict, match="can't use getUpdates method while webhook is active"):
        updates(api, bot)
    ask(api, bot.token, lambda library: library.delete_webhook())
    assert updates(api, bot) == ()


def test_a_topic_that_is_gone(api: BotApi, bot: Bot) -> None:
    """Takes no message."""
    bot.closed.add(3)
    with pytest.raises(BadRequest, match="thread not found"):
        ask(api, bot.token, lambda library: library.send_message(-5, "a", message_thread_id=3))
    ask(api, bot.token, lambda library: library.send_message(-5, "a", message_thread_id=4))
    assert [sent.thread for sent in bot.sent] == [4]


def test_an_album_is_one_message_for_each_picture(api: BotApi, bot: Bot) -> None:
    """With an id in common, and a caption for some."""
    album = bot.album(CHAT, "a cow", "")
    found = [update.message for update in updates(api, bot)]
    assert [(each.media_group_id, each.caption) for each in found if each] == [
        (album, "a cow"),
        (album, None),
    ]
