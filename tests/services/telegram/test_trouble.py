"""What goes wrong between the bot and Telegram: nothing is said twice, lost, or told that is secret."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.services.instance import Instance, configure, listener, running, starting
from tests.services.telegram.bot import Bot
from tests.services.telegram.bot_api import BotApi
from tests.services.telegram.conftest import CHAT
from tests.services.telegram.faults import UNANSWERED, UNHEARD, broken, refused, slow, too_many
from tests.services.telegram.served import (
    beginning,
    events,
    keys,
    serving,
    texts,
    told,
    wait_state,
    wait_until,
    words,
)

NOT_LISTENING = "telegram: not listening"


@pytest.fixture
def service(tmp_path: Path, api: BotApi, bot: Bot) -> Iterator[Instance]:
    with serving(tmp_path, api, bot, LOG_LEVEL="DEBUG") as instance:
        yield instance
        instance.stop()
        quiet = [entry for entry in instance.entries() if entry["level"] == "debug"]
        assert {entry.get("path") for entry in quiet} <= {"/health/ready"}  # none for each poll
        assert bot.token not in instance.logged()
        assert bot.token.partition(":")[2] not in instance.logged()
        assert "Traceback" not in instance.logged()


def states(directory: Path) -> list[str]:
    """What has become of each sending."""
    ended = {event["announced"]: event["type"] for event in events(directory, "SendingDone", "SendingFailed")}
    return [ended.get(event["position"], "announced") for event in events(directory, "SendingAnnounced")]


def said(bot: Bot, *expected: str) -> None:
    """Wait until these are the messages of the bot."""
    bot.wait(lambda: texts(bot) == list(expected), 20)


@pytest.mark.usefixtures("service")
def test_too_many_requests_are_waited_for(tmp_path: Path, bot: Bot) -> None:
    """For as long as Telegram says; the announcement is still the one."""
    bot.fail("sendMessage", too_many(2))
    begun = time.monotonic()
    bot.say(CHAT, "buy milk")
    said(bot, "recorded")
    assert time.monotonic() - begun >= 2
    wait_until(lambda: states(tmp_path) == ["SendingDone"])


@pytest.mark.usefixtures("service")
def test_what_is_refused_is_not_sent_and_that_is_noted(tmp_path: Path, bot: Bot) -> None:
    """Once, whatever the number of the refusal; the next message is answered."""
    for fault in (
        refused(400, "Bad Request: chat not found"),
        refused(403, "Forbidden"),
        refused(418, "Teapot"),
    ):
        bot.fail("sendMessage", fault)
        bot.say(CHAT, "buy milk")
    bot.say(CHAT, "buy bread")
    said(bot, "recorded")
    wait_until(lambda: states(tmp_path) == ["SendingFailed"] * 3 + ["SendingDone"])
    reasons = [event["reason"] for event in events(tmp_path, "SendingFailed")]
    assert reasons[:2] == ["Telegram refuses: Chat not found", "the bot may not write to this chat"]
    assert len(words(tmp_path)) == 4


@pytest.mark.parametrize("fault", [UNANSWERED, UNHEARD, broken()], ids=["unanswered", "unheard", "502"])
def test_what_perhaps_went_out_never_goes_out_again(
    tmp_path: Path, bot: Bot, service: Instance, fault: object
) -> None:
    """Whether it has or not, nobody knows: /status tells of it."""
    bot.fail("sendMessage", fault)  # type: ignore[arg-type]
    bot.say(CHAT, "buy milk")
    bot.say(CHAT, "/status")
    status = bot.wait_sent("may have been sent, and will not be sent again:").text
    about = events(tmp_path, "SendingAnnounced")[0]["about"]
    assert f"{about}: recorded" in status
    assert texts(bot).count("recorded") == (1 if fault is UNANSWERED else 0)
    wait_until(lambda: states(tmp_path) == ["announced", "SendingDone"])
    assert [entry["about"] for entry in service.entries("telegram: may have been sent; not sent again")] == [
        about
    ]


def test_while_telegram_cannot_be_reached(tmp_path: Path, api: BotApi, bot: Bot, service: Instance) -> None:
    """The service is ready all the same, the bot comes back by itself, and hears what was said meanwhile."""
    api.stop()
    reason = wait_state(service, "retrying")["reason"]
    assert reason is not None
    assert reason.startswith("Telegram cannot be reached: ")
    assert service.call("GET", "/health/ready").status == 200
    assert service.call("POST", "/api/v1/messages", {"text": "by another way"}).status == 201
    bot.say(CHAT, "buy milk")
    api.start()
    said(bot, "recorded")
    assert told(service)["state"] == "polling"
    assert words(tmp_path) == ["by another way", "buy milk"]
    assert len(service.entries(NOT_LISTENING)) in (1, 2)  # the way in which it cannot be reached may change


@pytest.mark.usefixtures("service")
def test_errors_and_dropped_polls_lose_nothing(tmp_path: Path, bot: Bot) -> None:
    """What was given to a poll that was cut comes again, and is kept once."""
    for fault in (broken(500), UNANSWERED, UNHEARD, too_many(1)):
        bot.fail("getUpdates", fault)
    for number in range(3):
        bot.say(CHAT, f"text {number}")
    said(bot, "recorded", "recorded", "recorded")
    assert words(tmp_path) == ["text 0", "text 1", "text 2"]


def test_another_poller_is_waited_for_without_a_word(bot: Bot, service: Instance) -> None:
    """One that is just being stopped is no trouble."""
    bot.fail("getUpdates", refused(409, "Conflict: terminated by other getUpdates request"), 3)
    bot.say(CHAT, "buy milk")
    said(bot, "recorded")
    bot.say(CHAT, "buy bread")
    said(bot, "recorded", "recorded")
    assert service.entries(NOT_LISTENING) == []


IMPATIENT = """
import sys
from services.telegram import poller

assert poller.QUIET_SECONDS == 30
poller.QUIET_SECONDS = 1
from services.api.runner import main
sys.exit(main())
"""
"""A service that waits a second for another poller to end, in place of half a minute."""


def test_another_poller_that_stays_is_told_of_once(tmp_path: Path, api: BotApi, bot: Bot) -> None:
    """After a while; and it goes on trying."""
    begun = time.monotonic()
    bot.fail("getUpdates", refused(409, "Conflict: terminated by other getUpdates request"), 4)
    bot.say(CHAT, "buy milk")
    command = [sys.executable, "-c", IMPATIENT]
    with listener() as sock, starting(configure(tmp_path, **keys(api, bot)), command, sock=sock) as service:
        service.wait_ready()
        state = wait_state(service, "conflict")
        assert time.monotonic() - begun > 1
        assert state["reason"] == "another process polls for this bot"
        said(bot, "recorded")
        assert len(service.entries(NOT_LISTENING)) == 1


def test_a_webhook_that_was_left_set_is_named(api: BotApi, bot: Bot, service: Instance) -> None:
    """At once, and as what it is; the bot listens again when it is gone."""
    httpx.post(f"{api.url}/bot{bot.token}/setWebhook", data={"url": "https://hooks.example.org/secret"})
    state = wait_state(service, "webhook")
    assert state["reason"] == "a webhook is set for this bot: Telegram sends its updates there"
    (entry,) = service.entries(NOT_LISTENING)
    assert "deleteWebhook" in entry["hint"]
    httpx.post(f"{api.url}/bot{bot.token}/deleteWebhook")
    bot.say(CHAT, "buy milk")
    said(bot, "recorded")
    wait_state(service, "polling")


@pytest.mark.parametrize(
    ("environment_bot", "reason"), [("helionyx_bot", "the bot of live"), ("other_bot", "not that of")]
)
def test_a_bot_that_is_not_the_environments(
    tmp_path: Path, api: BotApi, environment_bot: str, reason: str
) -> None:
    """Is not listened to; the service goes on without one."""
    bot = api.add(environment_bot)
    bot.say(CHAT, "buy milk")
    with running(tmp_path, **keys(api, bot, TELEGRAM_BOT_USERNAME="helionyx_dev_bot")) as service:
        state = wait_state(service, "stopped")
        assert state["bot"] == environment_bot
        assert reason in str(state["reason"])
        assert service.call("POST", "/api/v1/messages", {"text": "a"}).status == 201
        assert bot.calls["getUpdates"] == 0
        assert service.stop()[0] == 0
    assert words(tmp_path) == ["a"]


def test_a_token_that_is_revoked(service: Instance, bot: Bot) -> None:
    """The bot stops, and says so once."""
    bot.revoke()
    assert wait_state(service, "stopped")["reason"] == "Telegram rejects the token"
    assert len(service.entries("telegram: the bot stops: Telegram rejects the token")) == 1
    assert service.call("GET", "/health/ready").status == 200


@pytest.mark.usefixtures("service")
def test_an_update_of_which_a_part_cannot_be_read(tmp_path: Path, bot: Bot) -> None:
    """Its words are kept and answered, such as those of a reply to a poll of an older Bot API server."""
    bot.say(CHAT, "buy milk", reply_to_message={"message_id": 1, "poll": {"question": "milk?"}})
    bot.say(CHAT, "buy bread")
    said(bot, "recorded", "recorded")
    assert words(tmp_path) == ["buy milk", "buy bread"]


def test_a_stop_ends_the_poll_at_once_and_finishes_what_is_in_hand(
    tmp_path: Path, api: BotApi, bot: Bot
) -> None:
    """What waits behind that comes to the next process."""
    with serving(tmp_path, api, bot) as service:
        begun = time.monotonic()
        assert service.stop()[0] == 0
        assert time.monotonic() - begun < 2
    with serving(tmp_path, api, bot) as service:
        bot.fail("sendMessage", slow(1.5))
        bot.say(CHAT, "in hand")
        bot.wait(lambda: bot.calls["sendMessage"] == 1)
        bot.say(CHAT, "behind it")
        assert service.stop()[0] == 0
        assert texts(bot) == ["recorded"]
        assert states(tmp_path) == ["SendingDone"]
    with serving(tmp_path, api, bot):
        said(bot, "recorded", "recorded")
    assert words(tmp_path) == ["in hand", "behind it"]


def test_a_stop_while_nobody_can_be_reached(tmp_path: Path, api: BotApi, bot: Bot) -> None:
    """Waits for nothing; what could certainly not be sent goes out when the update comes again."""
    with serving(tmp_path, api, bot) as service:
        bot.fail("sendMessage", too_many(60))
        bot.say(CHAT, "buy milk")
        bot.wait(lambda: bot.calls["sendMessage"] == 1)
        begun = time.monotonic()
        assert service.stop()[0] == 0
        assert time.monotonic() - begun < 3
        assert states(tmp_path) == ["SendingFailed"]
    with serving(tmp_path, api, bot):
        said(bot, "recorded")
        wait_until(lambda: states(tmp_path) == ["SendingFailed", "SendingDone"])
    assert words(tmp_path) == ["buy milk"]


def test_an_answer_that_perhaps_went_out_before_a_crash(tmp_path: Path, api: BotApi, bot: Bot) -> None:
    """Is not given again, though the update comes again."""
    bot.fail("sendMessage", slow(5))
    with listener() as sock:
        with beginning(tmp_path, api, bot, sock) as service:
            service.wait_ready()
            bot.say(CHAT, "buy milk")
            bot.wait(lambda: bot.calls["sendMessage"] == 1)
            service.process.kill()
        with beginning(tmp_path, api, bot, sock) as service:
            service.wait_ready()
            bot.say(CHAT, "/help")
            bot.wait_sent("/todos")
            wait_until(lambda: states(tmp_path) == ["announced", "SendingDone"])
    assert words(tmp_path) == ["buy milk", "/help"]
    assert bot.calls["sendMessage"] == 2
