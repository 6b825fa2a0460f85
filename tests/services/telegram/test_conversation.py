"""What somebody says to the bot of a running service, and what becomes of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.services.instance import Instance
from tests.services.telegram.bot import Bot, Sent
from tests.services.telegram.bot_api import BotApi
from tests.services.telegram.conftest import CHAT
from tests.services.telegram.served import events, serving, texts, told, wait_until, words

PHOTO = [{"file_id": "a", "file_unique_id": "b", "width": 1, "height": 1}]


@pytest.fixture
def service(tmp_path: Path, api: BotApi, bot: Bot) -> Iterator[Instance]:
    with serving(tmp_path, api, bot) as instance:
        yield instance


def say(bot: Bot, text: str = "", **content: Any) -> Sent:
    """Say it, and return the answer."""
    before = len(bot.sent)
    bot.say(CHAT, text, **content)
    bot.wait(lambda: len(bot.sent) > before)
    return bot.sent[before]


def press(bot: Bot, sent: Sent, data: str, *, stale: bool = False) -> str:
    """Press a button, and return what is said to that."""
    query = bot.press(sent, data, stale=stale)
    bot.wait(lambda: query in bot.answers)
    return bot.answers[query]


@pytest.mark.usefixtures("service")
def test_what_is_said_is_kept_and_taken_for_what_it_is(tmp_path: Path, bot: Bot) -> None:
    """The answer says as what, with its number, and with buttons for what can be done with it."""
    assert say(bot, "buy bread").text == "recorded"
    todo = say(bot, "todo: buy milk due 2030-02-13 #home")
    added = events(tmp_path, "TodoAdded")[0]["position"]
    assert todo.text == f"todo {added}: buy milk, due Wednesday 13 Feb 2030 #home"
    assert todo.labels == ["Done", "Cancel"]
    undated = say(bot, "todo: buy bread due someday")
    why = "recorded as a todo without a due time: did not understand 'due someday'"
    assert undated.text.splitlines()[1] == why
    assert undated.labels == ["Done", "Cancel"]
    assert say(bot, "track: weight: 82.1 kg").text == "track weight, entry 1: 82.1 kg"
    assert say(bot, "note: the key is under the stone").text.startswith("note ")
    decision = say(bot, "decide: take the train because it is quiet")
    assert decision.text.endswith(": take the train (proposed)\nbecause it is quiet")
    assert decision.labels == ["Accept", "Reject"]
    assert words(tmp_path)[:2] == ["buy bread", "todo: buy milk due 2030-02-13 #home"]
    assert {event["source"] for event in events(tmp_path, "MessageRecorded")} == {"telegram"}


@pytest.mark.usefixtures("service")
def test_captions_are_words_and_what_has_none_is_noted(tmp_path: Path, bot: Bot) -> None:
    """A picture, a voice, a sticker: that there was one is kept, and said."""
    assert say(bot, photo=PHOTO, caption="todo: feed the cow").labels == ["Done", "Cancel"]
    assert say(bot, photo=PHOTO).text.startswith("recorded: photo. Only text is stored")
    voice = {"file_id": "v", "file_unique_id": "b", "duration": 1}
    assert say(bot, voice=voice).text.startswith("recorded: voice. ")
    bot.say(CHAT, new_chat_title="a new title")  # nobody said that
    assert say(bot, "after that").text == "recorded"
    assert words(tmp_path) == ["todo: feed the cow", "(photo)", "(voice)", "after that"]
    origins = [event["origin"] for event in events(tmp_path, "MessageRecorded")]
    assert [origin.get("attachment") for origin in origins] == [
        {"kind": "photo", "file": "a"},
        {"kind": "photo", "file": "a"},
        {"kind": "voice", "file": "v"},
        None,
    ]
    assert [origin.get("wordless", False) for origin in origins] == [False, True, True, False]


def test_what_was_said_while_nobody_listened(tmp_path: Path, api: BotApi, bot: Bot) -> None:
    """Bears the time at which it was said, as does what came of it, and where it comes from."""
    then = datetime.now(UTC).replace(microsecond=0) - timedelta(days=2)
    link = {"type": "text_link", "offset": 6, "length": 3, "url": "https://example.org/pay"}
    origin = {"type": "hidden_user", "sender_user_name": "Charles", "date": 1_770_000_000}
    bot.say(
        CHAT,
        "todo: pay due tomorrow",
        date=int(then.timestamp()),
        entities=[link],
        forward_origin=origin,
        reply_to_message={"message_id": 1, "text": "to do?"},
    )
    with serving(tmp_path, api, bot) as service:
        bot.wait_sent("pay, due")
        (listed,) = service.call("GET", "/api/v1/todos").json["todos"]
    message, added = events(tmp_path, "MessageRecorded", "TodoAdded")
    times = [
        datetime.fromisoformat(text) for text in (message["said_at"], added["said_at"], listed["created"])
    ]
    assert times == [then] * 3
    assert added["due"] == (then + timedelta(days=1)).date().isoformat()
    assert message["origin"]["sender"] == {"id": CHAT, "name": "Ada"}
    assert message["origin"]["links"] == [{"text": "pay", "url": "https://example.org/pay"}]
    assert message["origin"]["forward"] == {"sender": {"name": "Charles"}, "at": "2026-02-02T02:40:00Z"}
    assert message["origin"]["reply"] == {"message": 1, "text": "to do?"}


@pytest.mark.usefixtures("service")
def test_another_wording_is_kept_and_carried_out_no_second_time(tmp_path: Path, bot: Bot) -> None:
    """Every word is kept; the todo is there once."""
    message = bot.say(CHAT, "todo: buy milk")
    bot.wait_sent("buy milk")
    bot.correct(message, "todo: buy oat milk")
    bot.wait_sent("edit recorded")
    assert words(tmp_path) == ["todo: buy milk", "todo: buy oat milk"]
    assert len(events(tmp_path, "TodoAdded")) == 1


@pytest.mark.usefixtures("service")
def test_a_button_does_it_once_and_says_how_it_stands(tmp_path: Path, bot: Bot) -> None:
    """Pressed twice, or when something else was done meanwhile, it says so; the message says it as well."""
    sent = say(bot, "todo: buy milk")
    number = events(tmp_path, "TodoAdded")[0]["position"]
    assert press(bot, sent, f"done:{number}") == f"todo {number} is done"
    bot.wait(lambda: sent.text.endswith("(done)") and not sent.buttons)
    assert press(bot, sent, f"done:{number}", stale=True) == f"todo {number} is done already"
    assert press(bot, sent, f"cancel:{number}", stale=True) == f"todo {number} is done already"
    assert press(bot, sent, "drop:1", stale=True) == "this button no longer works"
    assert press(bot, sent, "done:999", stale=True) == "there is no todo 999"
    assert len(events(tmp_path, "TodoCompleted")) == 1
    assert not events(tmp_path, "TodoCancelled")
    decision = say(bot, "decide: take the train")
    accept, _ = decision.buttons
    assert press(bot, decision, accept).endswith("is accepted")
    bot.wait(lambda: decision.text.endswith("(accepted)"))


@pytest.mark.usefixtures("service")
def test_buttons_below_a_list(tmp_path: Path, bot: Bot) -> None:
    """One for each thing; whoever presses it sees the list as it is then, until nothing is left."""
    for text in ("todo: buy milk", "todo: buy bread", "decide: take the train"):
        say(bot, text)
    milk, bread = [event["position"] for event in events(tmp_path, "TodoAdded")]
    listed = say(bot, "/todos")
    assert listed.labels == [f"Done {bread}", f"Done {milk}"]
    assert press(bot, listed, f"done:{bread}:todos") == f"todo {bread} is done"
    bot.wait(lambda: listed.labels == [f"Done {milk}"])
    assert listed.text == f"to do:\n{milk}: buy milk"
    assert press(bot, listed, f"done:{bread}:todos", stale=True) == f"todo {bread} is done already"
    press(bot, listed, f"done:{milk}:todos")
    bot.wait(lambda: listed.text == "no open todos")
    assert listed.labels == []
    decided = say(bot, "/decisions")
    accept, reject = decided.buttons
    assert (accept[:7], reject[:7]) == ("accept:", "reject:")
    press(bot, decided, reject)
    bot.wait(lambda: decided.text == "no proposed decisions")
    assert len(events(tmp_path, "DecisionRejected")) == 1


@pytest.mark.usefixtures("service")
def test_commands(tmp_path: Path, bot: Bot) -> None:
    """Each is answered, and kept like every word."""
    say(bot, "todo: buy milk due 2030-02-13")
    number = events(tmp_path, "TodoAdded")[0]["position"]
    say(bot, "note: milk is white")
    say(bot, "track: weight: 82.1 kg")
    say(bot, "decide: drink milk")
    listed = f"{number}: buy milk, due Wednesday 13 Feb 2030"
    assert say(bot, "/todos").text == f"to do:\n{listed}"
    assert "milk is white" in say(bot, "/notes").text
    assert say(bot, "/tracks").text.endswith("weight, 1 entry")
    assert "drink milk" in say(bot, "/decisions").text
    assert len(say(bot, "/search milk").text.splitlines()) == 3
    assert say(bot, "/search nowhere").text == "nothing found"
    assert say(bot, f"/show {number}").labels == ["Done", "Cancel"]
    assert say(bot, f"/done {number}").text.endswith("(done)")
    assert say(bot, f"/done {number}").text.endswith("(done)")
    assert say(bot, "/done").text == "/done needs a number, such as /done 12"
    assert say(bot, "/done 999").text == "there is no todo 999"
    assert say(bot, f"/reopen {number}").labels == ["Done", "Cancel"]
    assert "todos: 1 open" in say(bot, "/stats").text
    assert say(bot, "/status").text.startswith("environment dev\nrelease checkout\nsince ")
    assert "/todos" in say(bot, "/help").text
    assert say(bot, "/dance").text == "unknown command /dance; /help lists the commands"
    kept = words(tmp_path)
    assert {"/todos", f"/done {number}", "/dance", "/help"} <= set(kept)
    assert [command["command"] for command in bot.commands][:2] == ["todos", "decisions"]


def test_strangers_get_nothing(tmp_path: Path, bot: Bot, service: Instance) -> None:
    """Not even an answer; they are counted, and told of once, without what they said."""
    todo = say(bot, "todo: buy milk")
    bot.say(99, "a secret")
    bot.say(99, "/start")
    bot.say(-5, "/todos")
    number = todo.buttons[0]
    elsewhere = Sent(99, todo.number, todo.versions)
    bot.press(elsewhere, number)
    say(bot, "after that")
    assert {sent.chat for sent in bot.sent} == {CHAT}
    assert words(tmp_path) == ["todo: buy milk", "after that"]
    assert not events(tmp_path, "TodoCompleted")
    told_of = service.entries("telegram: a chat that is not the environment's is ignored")
    assert [entry["chat"] for entry in told_of] == [99, -5]
    assert "a secret" not in service.logged()
    assert "helionyx_telegram_ignored_total 4.0" in service.call("GET", "/metrics").body.decode()


def test_while_the_chat_is_not_known(tmp_path: Path, api: BotApi, bot: Bot) -> None:
    """/start answers with its id, and nothing else does anything."""
    with serving(tmp_path, api, bot, TELEGRAM_CHAT_ID=None):
        bot.say(CHAT, "buy milk")
        bot.say(CHAT, "/todos")
        bot.say(CHAT, "/start")
        sent = bot.wait_sent("TELEGRAM_CHAT_ID")
        assert f"TELEGRAM_CHAT_ID={CHAT} " in sent.text
        assert len(bot.sent) == 1
    assert words(tmp_path) == []
    with serving(tmp_path, api, bot):
        assert "recorded, word for word" in say(bot, "/start").text


@pytest.mark.usefixtures("service")
def test_a_long_message_is_kept_whole_and_a_long_answer_is_cut(tmp_path: Path, bot: Bot) -> None:
    """At what Telegram takes, counted in UTF-16 units."""
    text = "note: " + "😀" * 2045
    assert len(say(bot, text).text.encode("utf-16-le")) <= 2 * 4096
    assert words(tmp_path) == [text]
    for _ in range(30):
        bot.say(CHAT, "todo: " + "milk " * 100)
    wait_until(lambda: len(bot.sent) == 31)
    listed = say(bot, "/todos").text
    *lines, last = listed.splitlines()
    assert last == f"… and {31 - len(lines)} more lines"
    assert all(line.endswith("milk…") for line in lines[1:]), "and no line is cut off by it"
    assert 3800 < len(listed) <= 4096


def test_health_tells_of_the_bot(service: Instance, bot: Bot) -> None:
    """Its state and its name, and when Telegram has answered the last time."""
    state = told(service)
    last = datetime.fromisoformat(str(state.pop("last_poll")))
    assert timedelta(0) <= datetime.now(UTC) - last < timedelta(seconds=60)
    assert state == {"state": "polling", "bot": bot.username, "reason": None}
    assert say(bot, "buy milk").text == "recorded"
    assert texts(bot) == ["recorded"]


@pytest.mark.usefixtures("service")
def test_what_is_sent_is_announced(tmp_path: Path, bot: Bot) -> None:
    """Under what it is about, behind the message that it answers; and then it is noted that it went out."""
    say(bot, "buy milk")
    wait_until(lambda: events(tmp_path, "SendingDone"))
    message, announced, done = events(tmp_path, "MessageRecorded", "SendingAnnounced", "SendingDone")
    update = message["key"].removeprefix("telegram:update:")
    assert update.startswith(f"{bot.id}:")
    assert announced["about"] == f"reply:{update}"
    assert (announced["text"], done["announced"]) == ("recorded", announced["position"])


def test_a_search_is_not_hidden_by_searches(service: Instance, bot: Bot) -> None:
    """However often the same words were asked for: each time they were said."""
    say(bot, "note: the milk is in the cellar")
    for number in range(25):
        service.call("POST", "/api/v1/messages", {"text": f"/search milk {number}"})
    assert "cellar" in say(bot, "/search milk").text
