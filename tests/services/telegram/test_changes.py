"""The commands that change an item, said to the bot of a running service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.instance import Instance
from tests.services.telegram.bot import Bot
from tests.services.telegram.bot_api import BotApi
from tests.services.telegram.conftest import CHAT
from tests.services.telegram.faults import too_many
from tests.services.telegram.served import events, serving, wait_until
from tests.services.telegram.test_conversation import say


@pytest.fixture
def service(tmp_path: Path, api: BotApi, bot: Bot) -> Iterator[Instance]:
    with serving(tmp_path, api, bot) as instance:
        yield instance


@pytest.mark.usefixtures("service")
def test_a_track_is_stopped(tmp_path: Path, bot: Bot) -> None:
    """By its number, once; the next entry starts it again."""
    say(bot, "track: weight: 82.1 kg")
    number = events(tmp_path, "TrackEntryAdded")[0]["position"]
    stopped = f"track {number}: weight (stopped)"
    assert say(bot, f"/stop {number}").text == stopped
    assert say(bot, f"/stop #{number}").text == stopped
    assert say(bot, "/tracks").text == "no running tracks"
    assert len(events(tmp_path, "TrackStopped")) == 1
    assert say(bot, "/stop").text == "/stop needs a number, such as /stop 12"
    assert say(bot, "/stop weight").text == "/stop needs a number, such as /stop 12"
    assert say(bot, "/stop 999").text == "no item has the number 999"
    say(bot, "todo: buy milk")
    todo = events(tmp_path, "TodoAdded")[0]["position"]
    assert say(bot, f"/stop {todo}").text == f"there is no track {todo}"


@pytest.mark.usefixtures("service")
def test_tags_and_due_times(tmp_path: Path, bot: Bot) -> None:
    """Several tags at once; a time as the grammar has it, or none; what is not understood changes nothing."""
    say(bot, "todo: buy milk")
    number = events(tmp_path, "TodoAdded")[0]["position"]
    assert say(bot, f"/tag {number} #home, Größe").text == f"todo {number}: buy milk #größe #home"
    assert say(bot, f"/tag {number} home shop").text == f"todo {number}: buy milk #größe #home #shop"
    assert say(bot, f"/untag {number} home grösse").text == f"todo {number}: buy milk #shop"
    assert say(bot, f"/untag {number} home").text == f"todo {number}: buy milk #shop"
    assert say(bot, f"/tag {number} a !").text == "'!' cannot be a tag: letters, digits, - and _"
    assert say(bot, f"/tag {number}").text == "/tag needs a number and tags, such as /tag 12 home"
    assert say(bot, "/tag 999 home").text == "no item has the number 999"
    assert [event["tag"] for event in events(tmp_path, "TagAdded")] == ["home", "größe", "shop"]
    due = f"todo {number}: buy milk, due Thursday 13 Feb 2042 17:00 #shop"
    assert say(bot, f"/due {number} 2042-02-13 at 17").text == due
    needs = "/due needs a number and a time, such as /due 12 friday at 17"
    assert say(bot, f"/due {number} someday").text == f"did not understand 'someday'; {needs}, or none"
    assert say(bot, f"/due {number}").text == needs
    assert say(bot, f"/due {number} none").text == f"todo {number}: buy milk #shop"
    say(bot, f"/done {number}")
    refused = f"expected a todo that is open; {number} is done"
    assert say(bot, f"/due {number} tomorrow").text == refused
    assert [event["due"] for event in events(tmp_path, "TodoDueSet")] == ["2042-02-13T17:00:00Z", None]


@pytest.mark.usefixtures("service")
def test_a_todo_is_snoozed(tmp_path: Path, bot: Bot) -> None:
    """Until tomorrow, unless a time is given; what is no time changes nothing."""
    say(bot, "todo: buy milk due 2042-02-13 17:00")
    number = events(tmp_path, "TodoAdded")[0]["position"]
    later = f"todo {number}: buy milk, due Friday 14 Feb 2042"
    assert say(bot, f"/snooze {number}").text == f"{later} 17:00"
    assert say(bot, f"/snooze #{number} 1h").text == f"{later} 18:00"
    assert say(bot, f"/snooze {number} someday").text == "did not understand 'someday' as a time"
    assert say(bot, "/snooze").text == "/snooze needs a number and a time, such as /snooze 12 1h"
    assert say(bot, "/snooze milk").text == "/snooze needs a number and a time, such as /snooze 12 1h"
    assert say(bot, "/snooze 999").text == "no item has the number 999"
    say(bot, "note: milk is white")
    note = events(tmp_path, "NoteTaken")[0]["position"]
    assert say(bot, f"/snooze {note}").text == f"there is no todo {note}"
    say(bot, f"/done {number}")
    assert say(bot, f"/snooze {number}").text == f"expected a todo that is open; {number} is done"
    assert len(events(tmp_path, "TodoDueSet")) == 2


@pytest.mark.usefixtures("service")
def test_a_search_shows_what_it_finds_once(tmp_path: Path, bot: Bot) -> None:
    """With the number to go on with, and the state."""
    say(bot, "milk is white")
    said = events(tmp_path, "MessageRecorded")[0]["position"]
    say(bot, "todo: buy milk due 2042-02-13 #shop")
    todo = events(tmp_path, "TodoAdded")[0]["position"]
    say(bot, "track: milk: 1 l")
    track = events(tmp_path, "TrackEntryAdded")[0]["position"]
    say(bot, f"/done {todo}")
    assert say(bot, "/search milk").text.splitlines() == [
        f"entry on track {track} (running): milk 1 l",
        f"todo {todo} (done): buy milk",
        f"message {said}: milk is white",
    ]
    assert say(bot, "/search shop").text == f"todo {todo} (done): buy milk"


def test_a_command_is_carried_out_when_it_comes(tmp_path: Path, api: BotApi, bot: Bot) -> None:
    """And never again with a late answer: not by this process, and not by the next."""
    with serving(tmp_path, api, bot) as service:
        say(bot, "todo: buy milk")
        number = events(tmp_path, "TodoAdded")[0]["position"]
        say(bot, f"/done {number}")
        bot.fail("sendMessage", too_many(2))
        bot.say(CHAT, f"/done {number}")
        bot.say(CHAT, f"/reopen {number}")
        wait_until(lambda: len(bot.sent) == 4)
        assert bot.sent[2].text == f"todo {number}: buy milk (done)"
        bot.fail("sendMessage", too_many(600))
        bot.say(CHAT, f"/reopen {number}")
        bot.say(CHAT, f"/done {number}")
        bot.say(CHAT, f"/reopen {number}")
        wait_until(lambda: len(events(tmp_path, "TodoReopened")) == 2)
        wait_until(lambda: events(tmp_path, "SendingFailed"))
        service.process.kill()
    with serving(tmp_path, api, bot):
        wait_until(lambda: len(bot.sent) == 7)
    changes = [event["type"] for event in events(tmp_path, "TodoCompleted", "TodoReopened")]
    assert changes == ["TodoCompleted", "TodoReopened"] * 2
    assert bot.sent[4].text == f"late answer to /reopen {number}\nnow: todo {number}: buy milk"
