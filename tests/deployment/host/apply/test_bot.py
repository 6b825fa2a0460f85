"""The bot's state is shown as the service reports it, and as unknown without a report."""

from __future__ import annotations

from typing import Any

import pytest

from deployment.host.apply import bot
from deployment.host.doctor import condition
from deployment.host.doctor.faults import Fault
from deployment.host.values.check import BAD
from deployment.host.values.layout import Environment
from deployment.host.values.manifest import BOT, Manifest
from deployment.host.values.observed import Observed
from deployment.host.values.shapes import shape_of
from deployment.remote.answers import Bot
from deployment.verbs import status
from tests.deployment.conftest import not_ok

RELEASE = Manifest(
    environment="dev",
    commit="c" * 40,
    dirty=False,
    subject="",
    python="3.11",
    platform="x",
    layer="l",
    files={},
    units={},
    config={},
    digests={BOT: "d"},
    project="helionyx",
    log={},
)
POLLING = {"state": "polling", "bot": "helionyx_dev_bot", "reason": None, "last_poll": None}


def observed(telegram: object, **more: Any) -> Observed:
    """An environment whose service says this of its bot."""
    return Observed(service="active", socket="active", enabled=True, answers={"telegram": telegram}, **more)


@pytest.mark.parametrize(
    ("telegram", "state", "trouble", "hands"),
    [
        (POLLING, "polling", "", False),
        ({**POLLING, "state": "starting"}, "starting", "", False),
        ({"state": "retrying", "reason": "no answer"}, "retrying", "the bot is retrying: no answer", False),
        ({"state": "stopped", "reason": "it is nobody's"}, "stopped", "the bot is stopped: it is nobo", True),
        ({"state": "conflict"}, "conflict", "the bot is conflict", True),
        ({"state": "webhook", "reason": 5}, "webhook", "the bot is webhook", True),
        ({"state": "of a later release"}, "of a later release", "the bot is of a later release", False),
        (None, "unknown", "", False),
        ({"state": 5}, "unknown", "", False),
        ("polling", "unknown", "", False),
        ({}, "unknown", "", False),
    ],
)
def test_what_a_service_says_of_its_bot(telegram: object, state: str, trouble: str, hands: bool) -> None:
    """A state of a later release is shown as it stands, and one that is missing as unknown."""
    told = bot.running(observed(telegram), RELEASE)
    assert told is not None
    assert told["state"] == state
    assert bot.trouble(told).startswith(trouble)
    assert bool(bot.trouble(told)) == bool(trouble)
    assert bot.needs_hands(told) == hands


def test_no_bot() -> None:
    """Without a token, without a release, and where the environment was stopped, nothing is missing."""
    assert bot.running(observed(POLLING), None) is None
    assert bot.running(Observed(), RELEASE) is None
    assert not bot.needs_hands(None)
    assert bot.trouble(None) == ""


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        (POLLING, "polling as @helionyx_dev_bot"),
        ({**POLLING, "last_poll": "2026-01-02T03:04:05+00:00"}, "polling as @helionyx_dev_bot, last answer "),
        ({**POLLING, "last_poll": "soon"}, "polling as @helionyx_dev_bot"),
        ({**POLLING, "state": "stopped", "bot": None, "reason": "it is nobody's"}, "stopped: it is nobody's"),
        (dict.fromkeys(POLLING) | {"state": "unknown"}, "unknown"),
    ],
)
def test_bot_in_detail(told: dict[str, str | None], shown: str) -> None:
    """State, name, the reason why it does not listen, and when Telegram has last answered it."""
    assert status._bot(shape_of(Bot)(told)).startswith(shown)


def test_bot_that_needs_hands_is_a_finding() -> None:
    """Beside that of its token."""
    facts = condition.Facts(
        Environment("dev"), exists=True, release="r", faults=(Fault("bot", "the bot is stopped"),)
    )
    found = not_ok(list(condition.judge(facts)))
    assert ("bot", BAD, "the bot is stopped") in found
