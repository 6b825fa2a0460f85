"""A real process of the service with a bot, and what its log says."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from services.event_log.sqlite.log import SqliteLog
from tests.services.instance import Instance, configure, running, starting
from tests.services.telegram.bot import Bot
from tests.services.telegram.bot_api import BotApi
from tests.services.telegram.conftest import CHAT

Event = dict[str, Any]


def keys(api: BotApi, bot: Bot, **more: str | None) -> dict[str, str | None]:
    """The configuration of an environment with that bot; of itself it says nothing."""
    return {
        "TELEGRAM_BOT_TOKEN": bot.token,
        "TELEGRAM_CHAT_ID": str(CHAT),
        "TELEGRAM_API_URL": api.url,
        "TELEGRAM_BOT_USERNAME": bot.username,
        "TELEGRAM_SUMMARY_AT": "off",
        **more,
    }


@contextlib.contextmanager
def serving(directory: Path, api: BotApi, bot: Bot, **more: str | None) -> Iterator[Instance]:
    """A service whose bot listens."""
    with running(directory, **keys(api, bot, **more)) as instance:
        bot.wait(lambda: bot.polling)
        yield instance


def beginning(
    directory: Path, api: BotApi, bot: Bot, sock: socket.socket, **more: str | None
) -> contextlib.AbstractContextManager[Instance]:
    """A service that starts, on a socket that is there already."""
    return starting(configure(directory, **keys(api, bot, **more)), sock=sock)


def told(instance: Instance) -> dict[str, str | None]:
    """What health says of the bot."""
    state: dict[str, str | None] = instance.call("GET", "/health/ready").json["telegram"]
    return state


def wait_until(holds: Callable[[], Any], seconds: float = 15.0) -> Any:
    """Wait until `holds()` is true; returns what it says."""
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end, f"not within {seconds:g} s"
        time.sleep(0.02)
    return found


def wait_state(instance: Instance, state: str, seconds: float = 15.0) -> dict[str, str | None]:
    """Wait until the bot is in a state; returns what health says of it then."""
    wait_until(lambda: told(instance)["state"] == state, seconds)
    return told(instance)


def events(directory: Path, *types: str) -> list[Event]:
    """What each event of these types says, in the log below `directory`; with its key and position."""
    with contextlib.closing(SqliteLog.open(directory / "events", read_only=True)) as log:
        found = [(record.position, record.entry()) for record in log.read()]
    return [
        {"position": position, "type": event.type, "key": event.idempotency_key, **event.data}
        for position, event in found
        if event.type in types or not types
    ]


def words(directory: Path) -> list[str]:
    """The messages of a log."""
    return [event["text"] for event in events(directory, "MessageRecorded")]


def texts(bot: Bot) -> list[str]:
    """What the bot has sent, as it stands."""
    return [sent.text for sent in bot.sent]
