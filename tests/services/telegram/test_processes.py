"""Several environments, several processes: each bot is one environment's, and one process's at a time."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pytest

from services.config import ROOT
from services.telegram.claim import Claim
from tests.services.instance import MODULE, configure, listener, running, starting
from tests.services.telegram.bot import Bot
from tests.services.telegram.bot_api import BotApi
from tests.services.telegram.conftest import CHAT
from tests.services.telegram.served import beginning, events, keys, texts, told, wait_state, wait_until, words

BOTS = {"dev": "helionyx_dev_bot", "staging": "helionyx_staging_bot", "live": "helionyx_bot"}


def test_three_environments_at_once(tmp_path: Path, api: BotApi) -> None:
    """Each message is in the log of its own environment alone, and each answer comes from its own bot."""
    bots = {name: api.add(username) for name, username in BOTS.items()}
    with listener() as one, listener() as two, listener() as three:
        started = []
        for (name, bot), sock in zip(bots.items(), (one, two, three), strict=True):
            (tmp_path / name).mkdir()
            environment = configure(tmp_path / name, **keys(api, bot)) | {"ENV": name}
            started.append(starting(environment, sock=sock))
        with started[0] as dev, started[1] as staging, started[2] as live:
            services = dict(zip(bots, (dev, staging, live), strict=True))
            for service in services.values():
                service.wait_ready()
                wait_state(service, "polling")
            for turn in range(3):
                for name, bot in bots.items():
                    bot.say(CHAT, f"todo: {name} {turn}")
            for name, bot in bots.items():
                bot.wait(partial(_has_said, bot, 3))
                assert told(services[name])["bot"] == bot.username
    for name, bot in bots.items():
        assert words(tmp_path / name) == [f"todo: {name} {turn}" for turn in range(3)]
        assert [text.split(": ")[1] for text in texts(bot)] == [f"{name} {turn}" for turn in range(3)]
        locks = [path.name for path in (tmp_path / name).glob("*.lock")]
        assert locks == [Claim(tmp_path, bot.token).file.name]


def _has_said(bot: Bot, count: int) -> bool:
    return len(bot.sent) == count


def test_a_restart_in_the_middle_of_a_conversation(tmp_path: Path, api: BotApi, bot: Bot) -> None:
    """On the same socket, the next one waits for the bot until the first lets go of it; nothing is lost."""
    with listener() as sock, beginning(tmp_path, api, bot, sock) as first:
        first.wait_ready()
        bot.say(CHAT, "todo: buy milk")
        sent = bot.wait_sent("buy milk")
        with beginning(tmp_path, api, bot, sock) as second:
            second.wait_ready()
            wait_until(
                lambda: second.entries("telegram: waiting until another process stops running the bot")
            )
            bot.say(CHAT, "before")
            bot.wait(lambda: len(bot.sent) == 2)
            bot.press(sent, sent.buttons[0])
            assert first.stop()[0] == 0
            bot.say(CHAT, "behind")
            bot.wait(lambda: len(bot.sent) == 3)
            wait_state(second, "polling")
            bot.wait(lambda: sent.text.endswith("(done)"))
            assert second.entries("telegram: not listening") == []
    assert words(tmp_path) == ["todo: buy milk", "before", "behind"]
    assert len(events(tmp_path, "TodoCompleted")) == 1
    assert texts(bot)[1:] == ["recorded", "recorded"]


def test_a_claim_is_one_processs(tmp_path: Path) -> None:
    """And ends with it; its file does not tell the token."""
    one, other = Claim(tmp_path, "123:secret"), Claim(tmp_path, "123:secret")
    assert one.take()
    assert one.take()
    assert not other.take()
    assert Claim(tmp_path, "124:secret").take()
    one.release()
    assert other.take()
    assert "secret" not in str(list(tmp_path.iterdir()))


def test_who_waits_says_so(tmp_path: Path, api: BotApi, bot: Bot) -> None:
    """In its health, and is the bot once that is free."""
    claim = Claim(tmp_path, bot.token)
    assert claim.take()
    with running(tmp_path, **keys(api, bot)) as service:
        assert wait_state(service, "waiting")["reason"] == "another process on this machine runs the bot"
        assert bot.calls["getUpdates"] == 0
        claim.release()
        wait_state(service, "polling")


@pytest.mark.parametrize(
    ("variables", "token", "reason"),
    [
        ({"HELIONYX_REHEARSAL": "1"}, True, "a rehearsal does not contact Telegram"),
        ({"HELIONYX_BRIDGE": "1"}, True, "a bridge leaves the bot to the service"),
        ({}, False, "TELEGRAM_BOT_TOKEN is not set"),
    ],
    ids=["rehearsal", "bridge", "no token"],
)
def test_who_has_no_bot(
    tmp_path: Path, api: BotApi, bot: Bot, variables: dict[str, str], token: bool, reason: str
) -> None:
    """Asks Telegram nothing, and says why."""
    with running(tmp_path):  # so that there is a log
        pass
    more = keys(api, bot) if token else {}
    with listener() as sock, starting({**configure(tmp_path, **more), **variables}, sock=sock) as service:
        service.wait_ready()
        assert told(service) == {"state": "off", "bot": None, "reason": reason, "last_poll": None}
        assert service.stop()[0] == 0
    assert not bot.calls


@pytest.mark.parametrize("asked", [None, "0", "1", "yes"])
def test_in_a_checkout_it_is_asked_for(tmp_path: Path, api: BotApi, bot: Bot, asked: str | None) -> None:
    """By TELEGRAM=1: whoever tries something out does not take the bot from a node."""
    lines = "".join(f"{key}={value}\n" for key, value in keys(api, bot).items())
    (tmp_path / ".env.dev").write_text(
        f"API_HOST=127.0.0.1\nEVENT_STORE_PATH=/e\nPROJECTIONS_DB_PATH=/p/x.db\n{lines}"
    )
    variables = {
        "PATH": os.defpath,
        "ENV": "dev",
        "ENV_DIR": str(tmp_path),
        "HELIONYX_DATA_DIR": str(tmp_path),
        **({} if asked is None else {"TELEGRAM": asked}),
    }
    with listener() as sock, starting(variables, MODULE, sock=sock, cwd=ROOT) as service:
        if asked == "yes":
            code, logged = service.end()
            assert code == 78
            assert "TELEGRAM: expected 0 or 1, found 'yes'" in logged
            return
        service.wait_ready()
        if asked == "1":
            wait_state(service, "polling")
        else:
            assert told(service)["reason"] == "off in a checkout; TELEGRAM=1 turns it on"
            assert not bot.calls
