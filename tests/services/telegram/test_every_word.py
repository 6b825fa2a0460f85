"""Everything that can be said to a bot, through everything that can go wrong: each word is in the log once.

With -s, the numbers are told.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from pathlib import Path

import pytest

from services.telegram.texts import EDIT_RECORDED
from tests.services.instance import Instance, listener
from tests.services.telegram.bot import Bot
from tests.services.telegram.bot_api import BotApi
from tests.services.telegram.crowd import Crowd
from tests.services.telegram.faults import UNANSWERED, UNHEARD, Fault, broken, refused, slow, too_many
from tests.services.telegram.served import beginning, events, wait_until

GROUP, SUPERGROUP = -77, -1_000_000_000_077

CONFLICT = refused(409, "Conflict: terminated by other getUpdates request")
POLLS: tuple[Fault, ...] = (broken(500), broken(502), UNHEARD, UNANSWERED, too_many(1), CONFLICT, slow(0.3))
SENDINGS: tuple[Fault, ...] = (broken(502), UNHEARD, UNANSWERED, too_many(1), too_many(7), slow(0.3))


def disturb(bot: Bot, chance: random.Random) -> None:
    """Let something go wrong with one of the next calls."""
    method, faults = chance.choice((("getUpdates", POLLS), ("sendMessage", SENDINGS)))
    if not bot.faults.get(method):
        bot.fail(method, chance.choice(faults))


def killed(instance: Instance, bot: Bot, crowd: Crowd, chance: random.Random) -> None:
    """kill -9 after a while in which things go wrong, or while it starts."""
    until = time.monotonic() + chance.uniform(0.2, 4)
    while time.monotonic() < until and not crowd.over.is_set():
        if chance.random() < 0.25:
            disturb(bot, chance)
        with bot.changed:
            bot.changed.wait(0.2)
    instance.process.kill()
    instance.process.wait()


@pytest.mark.parametrize(
    ("seed", "count"),
    [
        pytest.param(3, 80, id="sample"),
        *(pytest.param(seed, 1000, id=f"{seed}", marks=pytest.mark.faults) for seed in range(11, 16)),
    ],
)
def test_every_word_is_in_the_log_once(tmp_path: Path, api: BotApi, bot: Bot, seed: int, count: int) -> None:
    """In the order in which it was said; and no message is answered twice."""
    chance = random.Random(seed)  # noqa: S311
    crowd = Crowd(bot, GROUP, SUPERGROUP, count, random.Random(seed + 1000))  # noqa: S311
    crowd.start()
    kills = 0
    try:
        with listener() as sock:
            while not crowd.over.is_set():
                with beginning(tmp_path, api, bot, sock, TELEGRAM_CHAT_ID=str(GROUP)) as instance:
                    killed(instance, bot, crowd, chance)
                    kills += 1
            crowd.join()
            with beginning(tmp_path, api, bot, sock, TELEGRAM_CHAT_ID=str(GROUP)) as instance:
                instance.wait_ready()
                wait_until(lambda: len(answered(tmp_path)) == crowd.answers and not bot.pending, 120)
                assert instance.stop()[0] == 0
    finally:
        crowd.over.set()
    kept = [event["text"] for event in events(tmp_path, "MessageRecorded")]
    print(f"{crowd.count} updates, {kills} kills, {len(kept)} kept, {len(bot.sent)} sent")
    assert kept == crowd.texts
    assert len(events(tmp_path, "ChatMigrated")) == 1
    # An edited message has an answer to each of its wordings.
    replies = Counter(sent.reply_to for sent in bot.sent if sent.reply_to and sent.text != EDIT_RECORDED)
    assert set(replies.values()) == {1}
    done = Counter(event["announced"] for event in events(tmp_path, "SendingDone"))
    assert set(done.values()) == {1}


def answered(directory: Path) -> set[str]:
    """The messages whose answer was sent, or perhaps was."""
    failed = {event["announced"] for event in events(directory, "SendingFailed")}
    return {
        event["about"]
        for event in events(directory, "SendingAnnounced")
        if event["position"] not in failed and not event["about"].startswith("reply:migrated:")
    }
