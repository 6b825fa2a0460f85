"""Back and forth between kept releases."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deployment.host.values.step import Step

from .operator import RUNNER, Operator

UMASK = "    os.umask(0o077)\n"
MOODY = UMASK + "    if Path('/etc/moody').exists():\n        raise SystemExit('not in this world')\n"


@pytest.fixture(scope="module")
def three_releases(settled: Operator) -> list[str]:
    """Three releases on the node: the second of other code, the third of another configuration too."""
    first = settled.health("dev")["release"]
    settled.commit("services/changed.py", "NUMBER = 1\n")
    second = settled.deploy("dev")["release"]
    settled.configure("dev", "LOG_LEVEL=INFO", "LOG_LEVEL=DEBUG")
    return [first, second, settled.deploy("dev")["release"]]


def titles(result: dict[str, Any]) -> list[str]:
    """The steps of a result, in their order."""
    return [step["title"] for step in result["steps"]]


def last_change(operator: Operator) -> tuple[str, str, str]:
    """The verb, the outcome and the release of the last change in the history of dev."""
    change = json.loads(operator.script("history", "dev", "--json").stdout)["changes"][-1]
    return change["verb"], change["outcome"], change["wanted"]


def test_back_to_the_release_before(dev: Operator) -> None:
    """All of it, configuration included; nothing is sent, nothing is lost, and it says what differs."""
    before = dev.health("dev")["release"]
    dev.configure("dev", "LOG_LEVEL=INFO", "LOG_LEVEL=DEBUG")
    dev.deploy("dev")
    dev.tell("dev", ["said before going back"])
    events = dev.events("dev")
    plan = dev.change("plan", "dev", VERB="rollback")
    result = dev.change("rollback", "dev")
    assert result["after"] == plan["release"] == before
    planned = [Step(step["verb"], tuple(step["target"])).title for step in plan["steps_planned"]]
    assert planned == [title for title in titles(result) if not title.startswith("connect")]
    assert plan["configuration"] == ["~ LOG_LEVEL DEBUG -> INFO"]
    assert dev.health("dev")["release"] == before
    assert dev.events("dev") == events
    assert not [
        title for title in titles(result) if title.startswith(("upload", "install layer", "install release"))
    ]
    assert "comes back, with another LOG_LEVEL" in result["warnings"][0]["message"]
    assert "revoked" not in result["warnings"][0]["message"]
    assert "LOG_LEVEL=INFO" in dev.on_node("cat", "/opt/helionyx/dev/current/.env.dev")
    assert last_change(dev) == ("rollback", "done", before)


def test_an_old_token_is_pointed_out(settled: Operator) -> None:
    """Going back brings back what was revoked: it is said, and never shown."""
    before = settled.health("dev")["release"]
    settled.configure("dev", settled.tokens["dev"], "another-token-that-is-long-enough")
    settled.deploy("dev")
    result = settled.change("rollback", "dev")
    settled.configure("dev", "another-token-that-is-long-enough", settled.tokens["dev"])
    assert "API_TOKEN" in result["warnings"][0]["message"]
    assert "revoked" in result["warnings"][0]["message"]
    assert settled.tokens["dev"] not in str(result)
    assert result["after"] == before


def test_edited_release_is_not_gone_back_to(settled: Operator, three_releases: list[str]) -> None:
    """What was changed by hand is not what was proven: refused, and the way to get it is named."""
    edited = three_releases[1]
    target = f"/opt/helionyx/dev/releases/{edited}/services/identity.py"
    settled.on_node("sh", "-c", f"cp {target} /root/kept && echo '# edited' >> {target}")
    result = settled.change("rollback", "dev", code=2, RELEASE=edited)
    settled.on_node("cp", "/root/kept", target)
    assert "was edited on the node" in result["message"]
    assert "git switch --detach" in result["hint"]


def test_to_a_named_release(settled: Operator, three_releases: list[str]) -> None:
    """By its id, or by as much of it as names one only."""
    first = three_releases[0]
    result = settled.change("rollback", "dev", RELEASE=first[:16])
    assert (result["outcome"], result["after"]) == ("done", first)
    assert settled.change("rollback", "dev", RELEASE=first)["outcome"] == "nothing"


@pytest.mark.parametrize(("wish", "message"), [("0123456789ab", "is not kept"), ("", "could be")])
def test_release_that_cannot_be_meant_is_refused(
    settled: Operator, three_releases: list[str], wish: str, message: str
) -> None:
    """With those that are kept; nothing is touched."""
    before = settled.pid("dev")
    of_one_commit = three_releases[1:]
    result = settled.change("rollback", "dev", code=2, RELEASE=wish or _common(*of_one_commit))
    assert message in result["message"]
    assert of_one_commit[1] in result["hint"]
    assert settled.pid("dev") == before


def _common(one: str, other: str) -> str:
    """What two releases of one commit begin with."""
    return one[: next(i for i, (a, b) in enumerate(zip(one, other, strict=True)) if a != b)]


def test_nothing_to_go_back_to_is_refused(dev: Operator) -> None:
    """A first release has none before it."""
    assert "there is no earlier successful release of dev" in dev.change("rollback", "dev", code=2)["message"]
    assert "is not deployed here" in dev.change("restart", "live", code=2)["message"]


def test_rollback_to_what_does_not_come_up_goes_forward_again(dev: Operator) -> None:
    """A kept release may find another world: exit code 3, and the one that we came from runs."""
    dev.edit(RUNNER, UMASK, MOODY)
    moody = dev.deploy("dev")["release"]
    dev.edit(RUNNER, MOODY, UMASK)
    before = dev.deploy("dev")["release"]
    dev.on_node("touch", "/etc/moody")
    dev.change("rollback", "dev", code=3, RELEASE=moody)
    assert dev.health("dev")["release"] == before
    assert moody in dev.on_node("ls", "/opt/helionyx/dev/releases").split()
    assert last_change(dev) == ("rollback", "failed", moody)


def test_old_code_with_todays_configuration(dev: Operator) -> None:
    """Only the code goes back: a token that was changed since then stays changed, and nothing is sent."""
    today = "another-token-that-is-long-enough"
    first = dev.health("dev")["release"]
    dev.commit("services/changed.py", "OLD = 1\n")
    old = dev.deploy("dev")["release"]
    dev.commit("services/changed.py", "NEW = 1\n")
    dev.configure("dev", dev.tokens["dev"], today)
    dev.configure("dev", "API_PORT=8000", "API_PORT=8040")
    dev.deploy("dev")
    result = dev.change("rollback", "dev", RELEASE=old, CONFIG="current")
    dev.configure("dev", today, dev.tokens["dev"])
    dev.configure("dev", "API_PORT=8040", "API_PORT=8000")
    made = result["after"]
    assert made != old
    assert made[:12] == old[:12]
    assert result["warnings"] == []
    assert not [title for title in titles(result) if title.startswith("upload")]
    assert dev.health("dev", port=8040)["release"] == made
    assert "OLD = 1" in dev.on_node("cat", "/opt/helionyx/dev/current/services/changed.py")
    assert today in dev.on_node("cat", "/opt/helionyx/dev/current/.env.dev")
    assert today not in str(result)
    again = dev.change("rollback", "dev", RELEASE=old, CONFIG="current")
    assert (again["outcome"], again["after"]) == ("nothing", made)
    assert dev.status("dev")["previous"] == first, "what it was made of is no step back"


def test_todays_configuration_that_old_code_does_not_accept(dev: Operator) -> None:
    """Refused with its reasons, and nothing is touched."""
    dev.edit("services/config_keys.py", '("DEBUG", ', "(")
    narrow = dev.deploy("dev")["release"]
    dev.undo()
    dev.configure("dev", "LOG_LEVEL=INFO", "LOG_LEVEL=DEBUG")
    before = dev.deploy("dev")
    result = dev.change("rollback", "dev", code=2, RELEASE=narrow, CONFIG="current")
    assert "does not accept the configuration that runs" in result["message"]
    assert "LOG_LEVEL" in result["details"][0]
    assert dev.health("dev")["release"] == before["release"]


def test_keep_says_how_many_releases_and_read_models_stay(dev: Operator) -> None:
    """The current release and the one before always do, also where nothing else is to be done.

    A release of another schema builds its own read models; those of the old one go with its last release.
    """
    files = "ls /var/lib/helionyx/dev/projections | grep -v -e -wal -e -shm"
    before = dev.on_node("sh", "-c", files).split()
    dev.edit("services/projections/timeline.py", "CREATE TABLE timeline (", "CREATE TABLE timeline (  -- new")
    previous = dev.deploy("dev")
    dev.commit("services/changed.py", "SCHEMA = 2\n")
    last = dev.deploy("dev")
    both = dev.on_node("sh", "-c", files).split()
    assert len(both) == len(before) + 1
    pruned = dev.deploy("dev", KEEP="1")
    assert (pruned["outcome"], pruned["callers"]) == ("done", "nothing")
    assert dev.deploy("dev", KEEP="1")["outcome"] == "nothing"
    assert dev.on_node("sh", "-c", files).split() == [name for name in both if name not in before]
    status = dev.status("dev")
    assert status["releases"] == [last["release"], previous["release"]]
    assert status["previous"] == previous["release"]
    assert [item["id"] for item in status["kept"]] == status["releases"]
    assert all(item["bytes"] > 100_000 for item in status["kept"])
    assert status["dependencies"]["bytes"] > 1_000_000
    text = dev.script("status", "dev").stdout
    assert "previous" in next(line for line in text.splitlines() if line.startswith(status["previous"]))
    assert dev.change("deploy", "dev", code=2, KEEP="0")["outcome"] == "refused"
