"""A server, a bot on it, and the library that the service uses as the one who asks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from telegram import Bot as Library
from telegram import Update

from tests.services.telegram.bot import Bot
from tests.services.telegram.bot_api import BotApi

CHAT = 4711
GROUP = -1001


@pytest.fixture
def api() -> Iterator[BotApi]:
    """A server without bots."""
    with BotApi.running() as running:
        yield running


@pytest.fixture
def bot(api: BotApi) -> Bot:
    """A bot on it."""
    return api.add("helionyx_dev_bot")


def ask(api: BotApi, token: str, what: Callable[[Library], Awaitable[Any]]) -> Any:
    """Something asked of the library, with a client of its own."""

    async def asked() -> Any:
        async with Library(token, base_url=f"{api.url}/bot") as library:
            return await what(library)

    return asyncio.run(asked())


def updates(api: BotApi, bot: Bot, **given: Any) -> tuple[Update, ...]:
    """One getUpdates; without a `timeout` it is a short poll."""
    found: tuple[Update, ...] = ask(
        api, bot.token, lambda library: library.get_updates(**({"timeout": 0} | given))
    )
    return found
