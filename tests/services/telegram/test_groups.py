"""The bot in a group: topics, commands for other bots, albums, and a group that becomes a supergroup."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.services.instance import listener
from tests.services.telegram.bot import Bot
from tests.services.telegram.bot_api import BotApi
from tests.services.telegram.faults import too_many
from tests.services.telegram.served import beginning, events, serving, texts, wait_until, words

GROUP, SUPERGROUP = -77, -1_000_000_000_077


@pytest.fixture
def group(tmp_path: Path, api: BotApi, bot: Bot) -> Any:
    with serving(tmp_path, api, bot, TELEGRAM_CHAT_ID=str(GROUP)) as instance:
        yield instance


def moves(directory: Path) -> list[tuple[int, int]]:
    """The moves of a chat that a log knows of."""
    return [(event["chat"], event["to"]) for event in events(directory, "ChatMigrated")]


def _has_kept(directory: Path, text: str) -> bool:
    return text in words(directory)


@pytest.mark.usefixtures("group")
def test_a_group_becomes_a_supergroup(tmp_path: Path, bot: Bot) -> None:
    """The log notes the move; messages are recorded and answered there; the new setting is named once."""
    bot.say(GROUP, "before")
    bot.wait_sent("recorded")
    bot.migrate(GROUP, SUPERGROUP)
    bot.say(SUPERGROUP, "behind")
    sent = bot.wait_sent("recorded", after=1)
    assert sent.chat == SUPERGROUP
    assert words(tmp_path) == ["before", "behind"]
    assert moves(tmp_path) == [(GROUP, SUPERGROUP)]
    assert sum(f"TELEGRAM_CHAT_ID={SUPERGROUP}" in text for text in texts(bot)) == 1


def test_the_next_process_knows_where_the_group_is(tmp_path: Path, api: BotApi, bot: Bot) -> None:
    """From the log, whatever the configuration says."""
    for text in ("one", "two"):
        with serving(tmp_path, api, bot, TELEGRAM_CHAT_ID=str(GROUP)):
            if text == "one":
                bot.migrate(GROUP, SUPERGROUP)
            bot.say(SUPERGROUP, text)
            bot.wait(partial(_has_kept, tmp_path, text))
    assert moves(tmp_path) == [(GROUP, SUPERGROUP)]


def test_words_that_come_in_front_of_the_move(tmp_path: Path, api: BotApi, bot: Bot) -> None:
    """Two chats have no order: what is said in the new one may be told first."""
    bot.say(SUPERGROUP, "early")
    bot.migrate(GROUP, SUPERGROUP)
    with serving(tmp_path, api, bot, TELEGRAM_CHAT_ID=str(GROUP)):
        wait_until(lambda: words(tmp_path) == ["early"])


@pytest.mark.usefixtures("group")
def test_a_move_that_nobody_told_of(tmp_path: Path, bot: Bot) -> None:
    """The refusal of what is sent to the old chat, or the question whether it has moved, says so as well."""
    bot.migrate(GROUP, SUPERGROUP, silent=True)
    bot.say(-1_000_000_000_999, "of strangers")
    bot.say(SUPERGROUP, "said there")
    assert bot.wait_sent("recorded").chat == SUPERGROUP
    assert words(tmp_path) == ["said there"]
    assert moves(tmp_path) == [(GROUP, SUPERGROUP)]


@pytest.mark.parametrize("silent", [False, True], ids=["told", "silent"])
def test_the_new_chat_is_configured_already(tmp_path: Path, api: BotApi, bot: Bot, silent: bool) -> None:
    """Words that wait in the old one are kept; nobody is asked to set what is set."""
    bot.say(GROUP, "in the old one")
    bot.migrate(GROUP, SUPERGROUP, silent=silent)
    with serving(tmp_path, api, bot, TELEGRAM_CHAT_ID=str(SUPERGROUP)):
        bot.say(SUPERGROUP, "in the new one")
        bot.wait_sent("recorded", after=1)
    assert words(tmp_path) == ["in the old one", "in the new one"]
    assert moves(tmp_path) == [(GROUP, SUPERGROUP)]
    assert {message.chat for message in bot.sent} == {SUPERGROUP}
    assert not any("TELEGRAM_CHAT_ID" in text for text in texts(bot))


def test_an_answer_that_meets_the_move(tmp_path: Path, api: BotApi, bot: Bot) -> None:
    """Goes to where the chat is now."""
    bot.say(GROUP, "the last words here")
    bot.moved[GROUP] = SUPERGROUP
    with serving(tmp_path, api, bot, TELEGRAM_CHAT_ID=str(GROUP)):
        assert bot.wait_sent("recorded").chat == SUPERGROUP
        assert moves(tmp_path) == [(GROUP, SUPERGROUP)]


@pytest.mark.usefixtures("group")
def test_an_answer_goes_into_its_topic_to_what_it_answers(tmp_path: Path, bot: Bot) -> None:
    """Without its topic, an answer goes to the group."""
    message = bot.say(GROUP, "in a topic", message_thread_id=3, is_topic_message=True)
    sent = bot.wait_sent("recorded")
    assert (sent.thread, sent.reply_to) == (3, message["message_id"])
    bot.closed.add(3)
    bot.say(GROUP, "in a topic that is gone", message_thread_id=3, is_topic_message=True)
    sent = bot.wait_sent("recorded", after=1)
    assert (sent.thread, sent.reply_to) == (None, None)
    assert [event["origin"]["thread"] for event in events(tmp_path, "MessageRecorded")] == [3, 3]


@pytest.mark.usefixtures("group")
def test_a_command_for_another_bot_is_kept_and_not_answered(tmp_path: Path, bot: Bot) -> None:
    """Nothing is done that another one was asked for."""
    bot.say(GROUP, "todo: buy milk")
    number = bot.wait_sent("buy milk").buttons[0].partition(":")[2]
    bot.say(GROUP, f"/done@other_bot {number}")
    bot.say(GROUP, "/todos@Helionyx_Dev_Bot")
    assert bot.wait_sent("buy milk", after=1).text == f"to do:\n{number}: buy milk"
    assert len(bot.sent) == 2
    assert f"/done@other_bot {number}" in words(tmp_path)
    assert not events(tmp_path, "TodoCompleted")


@pytest.mark.usefixtures("group")
def test_an_album_has_one_answer_and_every_part_is_kept(tmp_path: Path, bot: Bot) -> None:
    """To what was said with it, below whichever part; without words, it says how many there were."""
    album = bot.album(GROUP, "", "todo: feed the cow", "a calf", "")
    bot.album(GROUP, "", "", "")
    bot.say(GROUP, "behind")
    bot.wait(lambda: len(bot.sent) == 3)
    assert bot.sent[0].labels == ["Done", "Cancel"]
    assert texts(bot)[1].startswith("recorded: 3 x photo. ")
    assert texts(bot)[2] == "recorded"
    assert words(tmp_path) == [
        "(photo)",
        "todo: feed the cow",
        "a calf",
        "(photo)",
        *["(photo)"] * 3,
        "behind",
    ]
    origins = [event["origin"] for event in events(tmp_path, "MessageRecorded")]
    assert [origin.get("album") for origin in origins[:4]] == [album] * 4
    assert [origin["attachment"]["file"] for origin in origins[:4]] == [f"{album}-{n}-800" for n in range(4)]


def test_answers_wait_and_words_do_not(tmp_path: Path, api: BotApi, bot: Bot) -> None:
    """While Telegram wants to be left alone, all is kept; answers follow, each once, from any process."""
    with listener() as sock:
        with beginning(tmp_path, api, bot, sock) as service:
            service.wait_ready()
            bot.fail("sendMessage", too_many(600))
            for number in range(5):
                bot.say(4711, f"todo: number {number}")
            bot.wait(lambda: not bot.pending)
            assert words(tmp_path) == [f"todo: number {number}" for number in range(5)]
            wait_until(lambda: events(tmp_path, "SendingFailed"))
            assert bot.calls["sendMessage"] == 1
            service.process.kill()
        bot.say(4711, "todo: number 5")
        with beginning(tmp_path, api, bot, sock) as service:
            service.wait_ready()
            bot.wait(lambda: len(bot.sent) == 6, 20)
    assert sorted(text.partition(": ")[2] for text in texts(bot)) == [f"number {n}" for n in range(6)]
