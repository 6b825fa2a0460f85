"""kill -9 while people write to the bot: every message is in the log once, and answered once at most.

KILLS=50 in the environment makes them fifty; with -s the numbers are told.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.services.instance import Instance, listener
from tests.services.telegram.bot import Bot
from tests.services.telegram.bot_api import BotApi
from tests.services.telegram.conftest import CHAT
from tests.services.telegram.people import People
from tests.services.telegram.served import beginning, events, wait_until

KILLS = int(os.environ.get("KILLS", "4"))

pytestmark = pytest.mark.timeout(120 + 20 * KILLS)


def killed(instance: Instance, bot: Bot, chance: random.Random) -> None:
    """kill -9: when it has begun to answer, or while it starts."""
    instance.wait_ready()
    if chance.random() < 0.8:
        calls = bot.calls["sendMessage"]
        bot.wait(lambda: bot.calls["sendMessage"] > calls, 20)
    time.sleep(chance.uniform(0, 0.3))
    instance.process.kill()
    instance.process.wait()


def test_kills_in_the_middle_of_a_conversation(tmp_path: Path, api: BotApi, bot: Bot) -> None:
    """On one socket and one log: lost 0, doubled 0; what was announced and not sent is never sent again."""
    chance, people = random.Random(9), People(bot, CHAT)  # noqa: S311
    people.start()
    try:
        with listener() as sock:
            for _ in range(KILLS):
                with beginning(tmp_path, api, bot, sock) as instance:
                    killed(instance, bot, chance)
            people.over.set()
            people.join()
            with beginning(tmp_path, api, bot, sock) as instance:
                instance.wait_ready()
                wait_until(lambda: not bot.pending and len(announced(tmp_path)) == len(people.said), 60)
                assert instance.stop()[0] == 0
    finally:
        people.over.set()
    examine(tmp_path, bot, people.said)


def announced(directory: Path) -> list[str]:
    """The message that each announced answer belongs to."""
    return [event["about"] for event in events(directory, "SendingAnnounced")]


def examine(directory: Path, bot: Bot, said: list[str]) -> None:
    """What was said is in the log, in its order; each is taken for one todo and has one answer at most."""
    kept = [event["text"] for event in events(directory, "MessageRecorded")]
    todos = Counter(event["text"] for event in events(directory, "TodoAdded"))
    about = Counter(announced(directory))
    answers = Counter(sent.text.split(": ")[1] for sent in bot.sent)
    perhaps = len(about) - len(events(directory, "SendingDone"))
    print(
        f"{KILLS} kills, {len(said)} said, {len(bot.sent)} answered, {perhaps} perhaps;"
        f" lost {len(set(said) - set(kept))}, doubled {len(kept) - len(set(kept))},"
        f" answered twice {sum(count > 1 for count in answers.values())}"
    )
    assert kept == said
    assert sorted(todos) == sorted(text.removeprefix("todo: ") for text in said)
    assert set(todos.values()) == set(answers.values()) == set(about.values()) == {1}
    assert len(said) - perhaps <= len(answers) <= len(said)
