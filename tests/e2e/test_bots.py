"""Each environment with a bot of its own, and every wrong one found before what serves is touched."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from deployment.host.values.layout import ENVIRONMENTS
from tests.services.telegram.bot import Bot
from tests.services.telegram.bot_api import BotApi
from tests.services.telegram.people import People

from .findings import examine
from .operator import Operator, git

OWN = {"dev": "helionyx_dev_bot", "staging": "helionyx_staging_bot", "live": "helionyx_bot"}
TOKEN = "#TELEGRAM_BOT_TOKEN=CHANGE_ME_the_token_from_BotFather"
URL = "#TELEGRAM_API_URL=https://api.telegram.org"
CHAT_ID = "#TELEGRAM_CHAT_ID=CHANGE_ME_the_number_of_the_chat"
CHAT = 4242

pytestmark = pytest.mark.usefixtures("bots")


@pytest.fixture(scope="module")
def api(settled: Operator) -> Iterator[BotApi]:
    """A Bot API where the node reaches it: at this machine's end of its link."""
    with BotApi.running(settled.node.record.host_address) as running:
        yield running


@pytest.fixture(scope="module")
def bots(settled: Operator, api: BotApi) -> Iterator[dict[str, Bot]]:
    """dev and staging run, and all three are configured, each with its own bot."""
    found = {environment: api.add(OWN[environment]) for environment in ENVIRONMENTS}
    for environment, bot in found.items():
        settled.configure(environment, TOKEN, f"TELEGRAM_BOT_TOKEN={bot.token}")
        settled.configure(environment, URL, f"TELEGRAM_API_URL={api.url}")
        settled.configure(environment, CHAT_ID, f"TELEGRAM_CHAT_ID={CHAT}")
    for environment in ("dev", "staging"):
        result = settled.deploy(environment)
        assert remark(result) == f"the token is that of @{OWN[environment]}"
    yield found
    assert not [bot for bot in found.values() if bot.token in settled.script("history", LINES="100").stdout]


@pytest.fixture
def changed(settled: Operator, request: pytest.FixtureRequest) -> Iterator[Operator]:
    """A person with one commit more than what runs, and the configuration of before afterwards."""
    path, head = settled.root / ".env.dev", git(settled.root, "rev-parse", "HEAD").strip()
    content = path.read_text()
    settled.commit("services/changed.py", f"FOR = {request.node.name!r}\n")
    yield settled
    path.write_text(content)
    git(settled.root, "reset", "--quiet", "--hard", head)


def remark(result: dict[str, Any]) -> str:
    """What the deploy says of the bot."""
    (found,) = [step["remark"] for step in result["steps"] if step["title"] == "check bot"]
    return str(found)


def serving(operator: Operator) -> str:
    """All that runs, or would be started: processes, units, releases and what they are made of.

    Without the copy of the history, which has each attempt.
    """
    pids = "systemctl show --property=MainPID,InvocationID helionyx-dev helionyx-staging"
    places = "/opt/helionyx /etc/systemd/system /etc/systemd/*.conf /etc/passwd"
    return operator.on_node(
        "sh", "-c", f"{pids}; find {places} ! -name history.json -printf '%p %l %s\\n' | sort"
    )


def refused(operator: Operator, said: str, hint: str) -> None:
    """The deploy fails with these words, and what serves is as it was."""
    before = serving(operator)
    result = operator.deploy("dev", code=3)
    assert said in result["message"]
    assert hint in result["hint"]
    assert "rehearse" not in str(result["steps"])
    assert serving(operator) == before
    assert operator.health("dev")["environment"] == "dev"


def test_the_token_of_a_bot_of_another_environment(
    changed: Operator, api: BotApi, bots: dict[str, Bot]
) -> None:
    """Is found by the bot's name, though nobody on the node has it: what serves is not touched."""
    changed.configure("dev", bots["dev"].token, api.add(OWN["live"]).token)
    refused(changed, "the token of dev is that of @helionyx_bot, the bot of live", "@helionyx_dev_bot")


def test_the_token_of_a_neighbour(changed: Operator, bots: dict[str, Bot]) -> None:
    """Is found beforehand, and nobody is asked."""
    asked = sum(bot.calls["getMe"] for bot in bots.values())
    changed.configure("dev", bots["dev"].token, bots["staging"].token)
    result = changed.deploy("dev", code=2)
    assert "the bot of dev is the one that staging has" in result["message"]
    assert sum(bot.calls["getMe"] for bot in bots.values()) == asked


def test_a_bot_of_another_name_than_the_configuration_says(changed: Operator, bots: dict[str, Bot]) -> None:
    """Is refused as well."""
    changed.configure("dev", "#TELEGRAM_BOT_USERNAME=helionyx_dev_bot", "TELEGRAM_BOT_USERNAME=adas_bot")
    refused(changed, "not that of @adas_bot", "@adas_bot")
    assert bots["dev"].calls["getMe"]


def test_a_token_that_was_revoked(changed: Operator, bots: dict[str, Bot]) -> None:
    """Is refused, and what runs with it runs on; the doctor says it as well."""
    bots["dev"].revoked = True
    try:
        refused(
            changed, "the Bot API does not know the token of dev", "@BotFather shows for @helionyx_dev_bot"
        )
        found = examine(changed, "dev", code=4)
        assert "does not know the token" in found["dev", "bot", "bad"][0]
    finally:
        bots["dev"].revoked = False
    assert remark(changed.deploy("dev")) == "the token is that of @helionyx_dev_bot"
    assert examine(changed, "dev")["dev", "bot", "ok"][0] == "the token is that of @helionyx_dev_bot"


def test_a_bot_api_that_cannot_be_reached(changed: Operator, api: BotApi) -> None:
    """Holds no deploy up: it is said that nothing is known; status says of the bot what it does meanwhile."""
    api.stop()
    try:
        result = changed.deploy("dev")
        found = examine(changed, "dev")
        told = changed.status("dev")
    finally:
        api.start()
    assert remark(result).startswith("unknown: could not verify the bot token: ")
    assert [item["message"].strip() for item in result["warnings"]] == [
        "the bot of dev is not verified; make doctor ENV=dev asks again"
    ]
    assert told["state"] == "running"
    assert told["bot"]["state"] in ("starting", "retrying")
    assert changed.health("dev")["release"] == result["release"]
    assert found["dev", "bot", "warn"][0] == remark(result)


@pytest.mark.faults
def test_back_to_a_release_that_cannot_ask(changed: Operator, bots: dict[str, Bot]) -> None:
    """One of a time before there was a question goes back without it."""
    git(changed.root, "rm", "--quiet", "services/telegram/__main__.py")
    for path, line in (("services/config.py", '        "telegram_api_url": config.telegram_api_url,\n'),):
        changed.edit(path, line, "")
    older = changed.deploy("dev")
    assert "check bot" not in str(older["steps"])
    changed.undo()
    changed.deploy("dev")
    bots["dev"].revoked = True
    try:
        assert changed.change("rollback", "dev")["after"] == older["release"]
    finally:
        bots["dev"].revoked = False


def test_each_environment_is_told_and_answers_its_own(settled: Operator, bots: dict[str, Bot]) -> None:
    """On one node: what is said to a bot is in the log of its environment, and that bot alone answers."""
    for environment in ENVIRONMENTS:
        settled.deploy(environment)
    found = examine(settled)
    for environment, name in OWN.items():
        assert found[environment, "bot", "ok"][0] == f"the token is that of @{name}"
    assert not [bot for bot in bots.values() if bot.token in str(found)]
    table = settled.script("status").stdout
    assert [line.split()[-1] for line in table.splitlines()[1:4]] == ["polling"] * 3
    before = {environment: len(bot.sent) for environment, bot in bots.items()}
    for environment, bot in bots.items():
        bot.say(CHAT, f"todo: sweep {environment}")
    for environment, bot in bots.items():
        assert bot.wait_sent(f"sweep {environment}", 30, after=before[environment]).chat == CHAT
    for environment, bot in bots.items():
        bot.say(CHAT, "/status")
        assert environment in bot.wait_sent("release", 30, after=before[environment]).text
        assert len(bot.sent) == before[environment] + 2
        said = [event["data"]["text"] for event in events(settled, environment, "TodoAdded")]
        assert [text for text in said if text.startswith("sweep")] == [f"sweep {environment}"]


def test_a_deploy_in_the_middle_of_a_conversation(changed: Operator, bots: dict[str, Bot]) -> None:
    """A deploy, a release that does not come up and a rollback: each is kept and answered once."""
    bot, before = bots["dev"], len(bots["dev"].sent)
    people = People(bot, CHAT, pause=0.2)
    people.start()
    try:
        first = changed.deploy("dev")["release"]
        changed.break_for_real()
        assert changed.deploy("dev", code=3)["after"] == first
        changed.undo()
        assert changed.change("rollback", "dev")["before"] == first
    finally:
        people.over.set()
        people.join()
    bot.wait(lambda: not bot.pending and len(bot.sent) == before + len(people.said), 120)
    kept = [event["data"]["text"] for event in events(changed, "dev", "MessageRecorded")]
    assert [text for text in kept if text.startswith("todo: number")] == people.said
    answers = Counter(sent.text.rpartition(": ")[2] for sent in bot.sent[before:])
    assert answers == Counter(text.removeprefix("todo: ") for text in people.said)


def events(operator: Operator, environment: str, type_: str) -> list[dict[str, Any]]:
    """What the log of an environment holds of that type, as the service gives it out."""
    found: list[dict[str, Any]] = []
    while True:
        after = found[-1]["position"] if found else 0
        path = f"/api/v1/events?type={type_}&after={after}&limit=1000"
        lines = operator.ask(environment, path)[1].splitlines()
        if not lines:
            return found
        records = [json.loads(line) for line in lines]
        found += [{"position": record["position"], **json.loads(record["body"])} for record in records]
