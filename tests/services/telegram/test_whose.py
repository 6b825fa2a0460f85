"""Whose bot a token is: the command, as the node runs it, on a Bot API; and what is made of the answer."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from typing import Any

import pytest

from services.config import ROOT
from services.telegram.whose import Answer, ask, judge
from tests.services.telegram.bot import Bot
from tests.services.telegram.bot_api import BotApi
from tests.services.telegram.faults import UNHEARD, Fault, broken, slow, too_many

RUN = """
import runpy, sys
sys.path.insert(0, sys.argv.pop(1))
runpy.run_module("services.telegram", run_name="__main__")
"""


def whose(api: str, token: str | None, name: str | None = None, environment: str = "dev") -> tuple[int, Any]:
    """Run the command without anything but the standard library: (exit code, what it says as JSON)."""
    given = {
        "API_HOST": "127.0.0.1",
        "EVENT_STORE_PATH": "/srv/x/events",
        "PROJECTIONS_DB_PATH": "/srv/x/p/helionyx.db",
        "TELEGRAM_API_URL": api,
        "TELEGRAM_BOT_TOKEN": token,
        "TELEGRAM_BOT_USERNAME": name,
    }
    file = "".join(f"{key}={value}\n" for key, value in given.items() if value is not None)
    words = ["whose", "--env", environment, "--file", "-", "--json"]
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", RUN, str(ROOT), *words],
        input=file.encode(),
        capture_output=True,
        check=False,
        timeout=30,
        env={"PATH": os.defpath},
    )
    assert not token or token.partition(":")[2].encode() not in done.stdout + done.stderr
    assert done.stderr == b""
    return done.returncode, json.loads(done.stdout)


def test_the_bot_of_the_environment(api: BotApi, bot: Bot) -> None:
    """All that the command says of a token that is right: a contract."""
    assert whose(api.url, bot.token, "Helionyx_Dev_bot") == (
        0,
        {
            "configured": True,
            "reached": True,
            "username": "helionyx_dev_bot",
            "expected": "Helionyx_Dev_bot",
            "verdict": "ok",
            "message": "the token is that of @helionyx_dev_bot",
            "hint": "",
        },
    )
    assert bot.calls == {"getMe": 1}


def test_without_a_token_nobody_is_asked() -> None:
    """And nothing speaks against it."""
    code, said = whose("http://127.0.0.1:9", None)
    assert (code, said["configured"], said["reached"], said["verdict"]) == (0, False, False, "none")


@pytest.mark.parametrize("token", ["8:" + "A" * 35, "8:hunter2"], ids=["another", "no such shape"])
def test_a_token_that_is_nobodys(api: BotApi, token: str) -> None:
    """Is refused, with the bot that @BotFather should be asked for."""
    code, said = whose(api.url, token)
    assert (code, said["verdict"], said["reached"], said["username"]) == (2, "refused_token", True, None)
    assert "@helionyx_dev_bot" in said["hint"]


def test_the_bot_of_another_environment(api: BotApi) -> None:
    """Is refused, though it answers, and though the configuration says that it is meant."""
    bot = api.add("helionyx_bot")
    for name in (None, "helionyx_bot"):
        code, said = whose(api.url, bot.token, name)
        assert (code, said["verdict"], said["username"]) == (2, "other_bot", "helionyx_bot")
        assert "the bot of live" in said["message"]
    assert whose(api.url, bot.token, environment="live")[1]["verdict"] == "ok"


@pytest.mark.parametrize("fault", [broken(), broken(500, "Internal"), too_many(9), UNHEARD])
def test_trouble_on_the_way_says_nothing_about_the_token(api: BotApi, bot: Bot, fault: Fault) -> None:
    """It is unreachable, with the reason."""
    bot.fail("getMe", fault)
    code, said = whose(api.url, bot.token)
    assert (code, said["verdict"], said["reached"], said["configured"]) == (0, "unreachable", False, True)
    assert said["message"].startswith("could not verify the bot token: ")


def test_nobody_there(api: BotApi, bot: Bot) -> None:
    """A port that is closed, and a name that does not exist."""
    api.stop()
    assert "Connection refused" in whose(api.url, bot.token)[1]["message"]
    assert whose("https://nobody.invalid", bot.token)[1]["verdict"] == "unreachable"


def test_a_program_that_is_no_bot_api() -> None:
    """Its 404 is no word about the token."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        answer = _answered_by(server, b"HTTP/1.0 404 Not Found\r\n\r\n<html>nothing here</html>")
    assert answer == Answer(trouble="the answer (status 404) is not from a Bot API")


def test_a_redirection_is_not_followed(api: BotApi, bot: Bot) -> None:
    """The token would go where nobody has sent it."""
    where = f"{api.url}/bot{bot.token}/getMe".encode()
    with socket.create_server(("127.0.0.1", 0)) as server:
        answer = _answered_by(server, b"HTTP/1.0 302 Found\r\nLocation: " + where + b"\r\n\r\n")
    assert answer.trouble
    assert not bot.calls


def test_a_program_that_repeats_what_it_was_asked() -> None:
    """Is not quoted: the address holds the token."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        answer = _answered_by(server, b"/bot8:hunter2/getMe?\r\n")
    assert answer.trouble
    assert "hunter2" not in answer.trouble


def test_an_answer_that_trickles_is_not_waited_for() -> None:
    """The limit holds for all of it, not for each part."""
    begun = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as server:
        answer = _answered_by(server, *[b"H"] * 30)
    assert answer.trouble == "no answer within 1 s"
    assert time.monotonic() - begun < 10


def _answered_by(server: socket.socket, *parts: bytes) -> Answer:
    """What is made within a second of these bytes, a part of them each tenth of it."""

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(4096)
            for part in parts:
                connection.sendall(part)
                time.sleep(0.1)

    thread = threading.Thread(target=serve)
    thread.start()
    answer = ask(f"http://127.0.0.1:{server.getsockname()[1]}", "8:A", 1.0)
    thread.join()
    return answer


def test_a_slow_answer_is_not_waited_for(api: BotApi, bot: Bot) -> None:
    """A deploy goes on without it."""
    bot.fail("getMe", slow(20))
    begun = time.monotonic()
    assert ask(api.url, bot.token, 0.5).trouble
    assert time.monotonic() - begun < 3


@pytest.mark.parametrize(
    ("environment", "expected", "found", "verdict"),
    [
        ("dev", None, "helionyx_dev_bot", "ok"),
        ("dev", None, "HELIONYX_DEV_BOT", "ok"),
        ("live", None, "helionyx_bot", "ok"),
        ("dev", None, "adas_own_bot", "ok"),
        ("dev", "adas_own_bot", "Adas_Own_Bot", "ok"),
        ("dev", "adas_own_bot", "helionyx_dev_bot", "other_bot"),
        ("dev", "helionyx_dev_bot", "adas_own_bot", "other_bot"),
        ("dev", None, "helionyx_staging_bot", "other_bot"),
        ("dev", None, "Helionyx_Bot", "other_bot"),
        ("staging", "helionyx_bot", "helionyx_bot", "other_bot"),
        ("live", None, "helionyx_dev_bot", "other_bot"),
    ],
)
def test_which_bot_an_environment_may_have(
    environment: str, expected: str | None, found: str, verdict: str
) -> None:
    """Never the one of another environment; and the one that is named, where one is."""
    said = judge(environment, expected, Answer(username=found))
    assert said.verdict == verdict
    assert said.refused == bool(said.hint) == (verdict == "other_bot")


def test_importing_the_question_is_cheap() -> None:
    """What costs time is imported by those who ask."""
    code = "import sys; sys.path.insert(0, sys.argv[1]); import services.telegram.whose; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, str(ROOT)], capture_output=True, check=True, text=True
    )
    assert not {"telegram", "asyncio", "ssl", "socket", "urllib.request"} & set(done.stdout.split())
