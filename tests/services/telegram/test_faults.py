"""What goes wrong at the Bot API when a test wants it to, as the library meets it."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import httpx
import pytest
from telegram import Bot as Library
from telegram.error import Forbidden, InvalidToken, NetworkError, RetryAfter, TelegramError, TimedOut

from tests.services.telegram.bot import Bot
from tests.services.telegram.bot_api import BotApi
from tests.services.telegram.conftest import CHAT, ask, updates
from tests.services.telegram.faults import UNANSWERED, UNHEARD, Fault, broken, refused, slow, too_many


@pytest.mark.parametrize(
    ("fault", "error", "said", "done"),
    [
        (too_many(3), RetryAfter, "Retry in 3 seconds", 0),
        (broken(), NetworkError, "Bad Gateway", 0),
        (refused(403, "Forbidden: bot was kicked"), Forbidden, "bot was kicked", 0),
        (UNHEARD, NetworkError, "disconnected", 0),
        (UNANSWERED, NetworkError, "disconnected", 1),
    ],
)
def test_a_call_that_goes_wrong(
    api: BotApi, bot: Bot, fault: Fault, error: type[TelegramError], said: str, done: int
) -> None:
    """As the test has said, as often as it has said, and no other method."""
    bot.fail("sendMessage", fault)
    with pytest.raises(error, match=said):
        ask(api, bot.token, lambda library: library.send_message(CHAT, "buy milk"))
    assert len(bot.sent) == done
    ask(api, bot.token, lambda library: library.send_message(CHAT, "buy milk"))
    assert len(bot.sent) == done + 1
    assert bot.calls["sendMessage"] == 2


def test_a_slow_answer_comes_too_late_and_what_was_asked_is_done(api: BotApi, bot: Bot) -> None:
    """So that whoever gave up does not know."""
    bot.fail("sendMessage", slow(0.5))
    with pytest.raises(TimedOut):
        ask(api, bot.token, lambda library: library.send_message(CHAT, "buy milk", read_timeout=0.1))
    bot.wait_sent("milk")


def test_a_chat_that_has_blocked_the_bot(api: BotApi, bot: Bot) -> None:
    """Nothing can be sent there."""
    bot.blocked.add(CHAT)
    with pytest.raises(Forbidden, match="blocked by the user"):
        ask(api, bot.token, lambda library: library.send_message(CHAT, "buy milk"))


@pytest.mark.parametrize(
    ("token", "status"),
    [("8:" + "A" * 35, 401), ("nonsense", 404), ("", 404)],
    ids=["another", "none", "empty"],
)
def test_a_token_that_is_no_bots(api: BotApi, token: str, status: int) -> None:
    """401 where it could be one, 404 where it is none."""
    answer = httpx.post(f"{api.url}/bot{token}/getMe")
    assert (answer.status_code, answer.json()["error_code"], answer.json()["ok"]) == (status, status, False)


def revoke_in_a_poll(bot: Bot) -> None:
    """As soon as somebody waits for updates."""
    bot.wait(lambda: bot.polling)
    bot.revoke()


def test_a_token_that_was_revoked_is_refused_also_in_a_poll(api: BotApi, bot: Bot) -> None:
    """Whoever waits for updates is told at once."""
    revoker = threading.Thread(target=lambda: revoke_in_a_poll(bot))
    revoker.start()
    with pytest.raises(InvalidToken):
        updates(api, bot, timeout=40)
    revoker.join()
    assert httpx.get(f"{api.url}/bot{bot.token}/getMe").json()["description"] == "Unauthorized"


def test_every_way_to_write_parameters(api: BotApi, bot: Bot) -> None:
    """In the address, as a form, in parts, and as JSON; capital letters in a method's name do not matter."""
    url = f"{api.url}/bot{bot.token}/"
    given = {"chat_id": str(CHAT), "text": "größer & besser"}
    keyboard = {"inline_keyboard": [[{"text": "a", "callback_data": "b"}]]}
    answers = [
        httpx.get(url + "sendmessage", params=given),
        httpx.post(url + "SENDMESSAGE", data=given),
        httpx.post(url + "sendMessage", files={name: (None, value) for name, value in given.items()}),
        httpx.post(url + "sendMessage", json=given | {"chat_id": CHAT, "reply_markup": keyboard}),
    ]
    assert [answer.json()["ok"] for answer in answers] == [True] * 4
    assert [sent.text for sent in bot.sent] == [given["text"]] * 4
    assert bot.sent[-1].buttons == ["b"]
    unknown = httpx.post(url + "sendMassage", data=given)
    assert (unknown.status_code, unknown.json()["description"]) == (404, "Not Found: method not found")


def test_an_outage_ends_every_connection_and_loses_no_update(api: BotApi, bot: Bot) -> None:
    """What was said before is there afterwards, at the same address."""
    before = api.url

    async def cut() -> Any:
        async with Library(bot.token, base_url=f"{api.url}/bot") as library:
            poll = asyncio.create_task(library.get_updates(timeout=40))
            await asyncio.to_thread(bot.wait, lambda: bot.polling)
            api.stop()
            return (await asyncio.gather(poll, return_exceptions=True))[0]

    assert isinstance(asyncio.run(cut()), NetworkError)
    bot.say(CHAT, "buy milk")
    with pytest.raises(NetworkError):
        updates(api, bot)
    api.start()
    assert api.url == before
    assert len(updates(api, bot)) == 1
