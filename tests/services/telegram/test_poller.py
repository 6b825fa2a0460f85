"""An update that cannot be handled: the poller confirms nothing that is not recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from services.errors import HelionyxError
from services.telegram import poller
from services.telegram.backoff import Stop
from services.telegram.calls import bot_of
from services.telegram.fields import Raw
from services.telegram.poller import Poller
from services.telegram.status import RETRYING, Status
from tests.services.telegram.bot import Bot
from tests.services.telegram.bot_api import BotApi
from tests.services.telegram.conftest import CHAT


class Listener:
    """Takes updates, unless a test says that it cannot."""

    def __init__(self, fails: Callable[[str, int], Exception | None], until: int, stop: Stop) -> None:
        self.taken: list[str] = []
        self.rescued: list[str] = []
        self.tried = 0
        self._fails = fails
        self._until = until
        self._stop = stop

    async def expect(self, updates: list[Raw]) -> None:
        """Nothing is to be known of them together."""

    async def take(self, update: Raw) -> None:
        """Take the text, or fail."""
        self._count(update, self.taken)

    async def rescue(self, update: Raw) -> None:
        """Take the text all the same, or fail."""
        self._count(update, self.rescued)

    def _count(self, update: Raw, texts: list[str]) -> None:
        self.tried += 1
        error = self._fails(update["message"]["text"], self.tried)
        if error is not None:
            raise error
        texts.append(update["message"]["text"])
        if len(self.taken + self.rescued) == self._until:
            self._stop.ask()


def poll(
    api: BotApi, bot: Bot, fails: Callable[[str, int], Exception | None], until: int
) -> tuple[Listener, Status]:
    """Let a poller hand over updates until so many were taken."""

    async def inside() -> tuple[Listener, Status]:
        stop, status = Stop(), Status()
        listener = Listener(fails, until, stop)
        library = bot_of(bot.token, api.url)
        try:
            await asyncio.wait_for(Poller(library, listener, status, stop).run(), 10)
        finally:
            await library.request.shutdown()
        return listener, status

    return asyncio.run(inside())


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poller, "seconds_before", lambda *_: 0.0)


def test_of_an_update_that_a_bug_does_not_let_be_taken_the_words_are_kept(api: BotApi, bot: Bot) -> None:
    """After some tries; it holds no other up, and is confirmed when its words are kept."""
    for text in ("one", "two", "three"):
        bot.say(CHAT, text)
    bug = ValueError("internal error")
    listener, status = poll(api, bot, lambda text, tried: bug if text == "two" and tried < 6 else None, 3)
    assert (listener.taken, listener.rescued) == (["one", "three"], ["two"])
    assert (status.updates, status.failures) == (3, 1)


def test_an_update_that_cannot_even_be_rescued_is_not_confirmed(api: BotApi, bot: Bot) -> None:
    """The poller tries again until the rescue works; the bot's state shows that."""
    bot.say(CHAT, "one")
    seen: list[Any] = []

    def fails(_: str, tried: int) -> Exception | None:
        seen.append(len(bot.pending))
        return ValueError("internal error") if tried < 30 else None

    listener, _ = poll(api, bot, fails, 1)
    assert listener.rescued == ["one"]
    assert set(seen) == {1}


def test_a_log_that_cannot_take_it_is_waited_for(api: BotApi, bot: Bot) -> None:
    """However long that takes: it is no bug."""
    bot.say(CHAT, "one")
    listener, status = poll(
        api, bot, lambda _, tried: HelionyxError("the disk is full") if tried < 20 else None, 1
    )
    assert (listener.taken, listener.rescued) == (["one"], [])
    assert status.state != RETRYING
