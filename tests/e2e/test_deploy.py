"""From a bare node to three environments, and every kind of change after that."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from deployment.host.records import audit
from deployment.host.values.step import Step
from deployment.settings import ROOT

from .operator import PORTS, Operator, git
from .states import States


def titles(result: dict[str, Any]) -> list[str]:
    """The steps of a result, in their order."""
    return [step["title"] for step in result["steps"]]


def test_three_environments_side_by_side(three: Operator, states: States) -> None:
    """Each has its own port, user, unit, data and journal; as `deploy` with sudo, and as root."""
    for environment, result in states.deployed(*PORTS).results.items():
        assert result["outcome"] == "done"
        assert result["before"] is None
        assert three.health(environment)["environment"] == environment
        assert three.health(environment)["release"] == result["release"]
    three.login = "root"
    assert three.deploy("staging")["outcome"] == "nothing"
    own = three.node.record.machine_id
    seen = json.loads(three.script("status", "--json").stdout)["environments"]
    assert [item["state"] for item in seen] == ["running"] * 3
    assert [item["unit"] for item in seen] == [
        "helionyx-dev.service",
        "helionyx-staging.service",
        "helionyx.service",
    ]
    for fact in ("listen", "unit", "user", "data", "journal", "pid"):
        assert len({item[fact] for item in seen}) == 3, fact
    for item in seen:
        owner = three.on_node("stat", "--format=%U %a", item["data"], f"/proc/{item['pid']}").split()
        assert owner == [item["user"], "700", item["user"], "555"]
        journals = three.on_node("sh", "-c", f"ls -d /var/log/journal/{own}.{item['journal']}")
        assert len(journals.splitlines()) == 1
    assert "0 loaded units" in three.on_node("systemctl", "list-units", "--failed")


def test_data_of_one_is_closed_to_the_others(two: Operator) -> None:
    """Neither the configuration nor the log of an environment can be read by another's user."""
    for path in ("/var/lib/helionyx/dev/events/events.db", "/opt/helionyx/dev/current/.env.dev"):
        two.on_node("test", "-s", path)
        read = two.node.run(["runuser", "-u", "helionyx-staging", "--", "cat", path])
        assert read.returncode != 0
        assert "Permission denied" in read.stderr


def test_nothing_to_do(settled: Operator) -> None:
    """The same again: no step, no restart, the same process."""
    pid = settled.pid("dev")
    result = settled.deploy("dev")
    assert result["outcome"] == "nothing"
    assert settled.pid("dev") == pid
    assert not settled.node.run(["sh", "-c", "ls /var/lib/helionyx-deploy/transactions/*/*.tar.gz"]).stdout


def test_commit_that_changes_nothing_of_the_release_is_no_restart(settled: Operator) -> None:
    """Such as one of the documentation; what was edited on the node is repaired all the same."""
    before, pid = settled.health("dev")["release"], settled.pid("dev")
    settled.commit("README.md", "Other words.\n", "Other words")
    done = settled.script("deploy", "dev")
    commit = git(settled.root, "rev-parse", "HEAD")[:12]
    assert f"commit {commit} changes nothing of release {before}" in done.stdout
    assert f"nothing to do, dev runs {before}" in done.stdout
    assert (settled.health("dev")["release"], settled.pid("dev")) == (before, pid)
    settled.on_node("sh", "-c", "echo >> /opt/helionyx/dev/current/services/errors.py")
    assert settled.deploy("dev")["after"].startswith(commit)


def test_configuration_change_alone(dev: Operator) -> None:
    """A new release of the same code, and the service runs with it."""
    pid, release = dev.pid("dev"), dev.health("dev")["release"]
    dev.configure("dev", "LOG_LEVEL=INFO", "LOG_LEVEL=DEBUG")
    dev.configure("dev", "TIMEZONE=UTC", "TIMEZONE=Europe/Vienna")  # from the layer
    result = dev.deploy("dev")
    assert result["release"].split("-")[0] == release.split("-")[0]
    assert result["release"] != release
    assert "upload layer" not in titles(result)
    assert dev.pid("dev") != pid


def test_dependency_change_brings_a_layer(dev: Operator) -> None:
    """Built here from the lock: the node has no package index, and needs none."""
    pyproject = (dev.root / "pyproject.toml").read_text()
    (dev.root / "pyproject.toml").write_text(pyproject.replace('    "apsw', '    "iniconfig",\n    "apsw', 1))
    subprocess.run([ROOT / ".venv/bin/uv", "lock", "--quiet"], cwd=dev.root, check=True, timeout=120)
    dev.commit("services/changed.py", "import iniconfig\n", "Depend on more")
    done = dev.deploy_as_is("dev", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert {"build layer", "upload layer", "install layer"} <= set(titles(result))
    layer = dev.on_node("readlink", "-f", "/opt/helionyx/dev/current/layer").strip()
    assert "iniconfig" in dev.on_node("ls", layer).split()
    assert dev.health("dev")["release"] == result["release"]


def test_port_change_moves_the_listener(dev: Operator) -> None:
    """The old port is closed, the new one answers, and the plan has said that callers are interrupted."""
    dev.configure("dev", "API_PORT=8000", "API_PORT=8010")
    result = dev.deploy("dev")
    assert result["callers"] == "an interruption"
    assert dev.health("dev", port=8010)["release"] == result["release"]
    with pytest.raises(OSError, match="refused"):
        dev.health("dev", port=8000)


def test_plan_is_what_the_deploy_then_does(dev: Operator) -> None:
    """The same steps in the same order, after nothing was touched; no text of people moves a terminal."""
    pid, release = dev.pid("dev"), dev.health("dev")["release"]
    git(dev.root, "config", "user.name", "Ada\x1b[2J")
    dev.commit("services/changed.py", "PLANNED = 1\n", "\x1b[2J\u202eA change that is planned")
    assert "+ " in (shown := dev.script("plan", "dev").stdout)
    assert shown.replace("\n", "").isprintable()
    why = f"  restart service helionyx-dev.service\n      {release} runs\n"
    assert why in shown
    dev.configure("dev", "LOG_LEVEL=INFO", "LOG_LEVEL=WARNING")
    plan = dev.change("plan", "dev")
    assert dev.pid("dev") == pid
    assert plan["release"] not in dev.on_node("ls", "/opt/helionyx/dev/releases").split()
    assert [line[-24:] for line in plan["commits"]] == ["A change that is planned"]
    assert plan["configuration"] == ["~ LOG_LEVEL INFO -> WARNING"]
    assert plan["units"] == plan["uncommitted"] == []
    assert plan["callers"] == "nothing"
    done = dev.deploy("dev")
    ours = ("connect", "build", "upload")
    assert [Step(item["verb"], tuple(item["target"])).title for item in plan["steps_planned"]] == [
        title for title in titles(done) if not title.startswith(ours)
    ]
    assert "up to date: " in dev.script("plan", "dev").stdout
    *_, last = dev.script("history", "dev", LINES="1").stdout.split("restart service helionyx-dev.service")
    assert f"\n      {release} runs\n" in last
    history = json.loads(dev.script("history", "dev", "--json", LINES="1").stdout)
    [found] = [entry["observed"] for entry in history["record"] if entry["event"] == "before"]
    assert (found["service"], found["runs"], found["pid"]) == ("active", release, pid)
    assert not {"tokens", "bots"} & set(found)
    for verb, text in (("status", "\\u001b[2J\\u202eA change"), ("history", "Ada\\u001b[2J")):
        shown = dev.script(verb, "dev").stdout
        assert text in shown
        assert shown.replace("\n", "").isprintable()
    (dev.root / "services" / "changed.py").write_text("PLANNED = 2\n")
    assert "uncommitted:\n  services/changed.py\n" in dev.script("plan", "dev").stdout


def test_history_is_chained_and_shown(settled: Operator) -> None:
    """A line for the start of each change and one for its end; what somebody has edited is pointed out."""
    settled.change("restart", "dev")
    text = settled.on_node("cat", "/var/lib/helionyx-deploy/deployments.jsonl")
    lines = [json.loads(line) for line in text.splitlines()]
    assert audit.first_bad(lines) is None
    starts = {line["transaction"] for line in lines if line["event"] == "start"}
    ends = {line["transaction"] for line in lines if line["event"] == "end"}
    assert starts == ends
    assert {line["actor"]["name"] for line in lines if line["event"] == "start"} == {
        subprocess.run(
            ["git", "-C", str(settled.root), "config", "user.name"],
            capture_output=True,
            text=True,
            check=False,
        ).stdout.strip()
        or "root"
    }
    lines[2]["reason"] = "something else"
    assert audit.first_bad(lines) == 3
    last = json.loads(settled.script("history", "dev", "--json").stdout)["changes"][-1]
    assert (last["verb"], last["outcome"], last["before"]) == ("restart", "done", last["after"])
    assert _read_by_the_service(settled)[0] == (last["verb"], last["outcome"], last["after"])
    table = settled.script("history", LINES="1").stdout.splitlines()
    assert table[0].startswith("when  ")
    assert len(table) == 3
    assert "restart" in table[1]
    settled.on_node(
        "sed", "-i.kept", '3s/"verb":"[a-z]*"/"verb":"forged"/', "/var/lib/helionyx-deploy/deployments.jsonl"
    )
    done = settled.script("history")
    settled.on_node(
        "mv", "/var/lib/helionyx-deploy/deployments.jsonl.kept", "/var/lib/helionyx-deploy/deployments.jsonl"
    )
    assert done.returncode == 4
    assert "line 3 does not fit" in done.stdout


def _read_by_the_service(operator: Operator) -> list[tuple[str, ...]]:
    """The history of dev as its own user reads it; the user of another environment cannot."""
    path = "/opt/helionyx/dev/history.json"
    reading = f"setpriv --reuid=helionyx-dev --regid=helionyx-dev --clear-groups cat {path}"
    changes = json.loads(operator.on_node(*reading.split()))["changes"]
    other = f"setpriv --reuid=65534 --regid=65534 --clear-groups cat {path} 2>&1 || true"
    assert "Permission denied" in operator.on_node("sh", "-c", other)
    return [(change["verb"], change["outcome"], change["after"]) for change in changes]


def test_secrets_stay_where_they_belong(settled: Operator) -> None:
    """Not in the journal, the audit, the records, nor a command line: in one 0600 file per release."""
    token = settled.tokens["dev"]
    found = settled.on_node(
        "sh", "-c", f"grep -rlF -e {token} /var/lib/helionyx-deploy /opt/helionyx /etc/systemd || true"
    )
    assert found
    assert all(path.endswith("/.env.dev") for path in found.split())
    modes = settled.on_node("sh", "-c", "stat --format='%a %U' /opt/helionyx/dev/releases/*/.env.dev")
    assert set(modes.splitlines()) == {"600 root"}
    journal = settled.on_node("journalctl", "--namespace=+helionyx-dev", "--no-pager")
    assert token not in journal
    assert token not in settled.on_node("sh", "-c", "cat /proc/[0-9]*/cmdline")


def test_the_documented_sudo_rule_is_enough(dev: Operator) -> None:
    """The line of docs/DEPLOYMENT.md alone, in place of whatever the node had."""
    guide = (ROOT / "docs" / "DEPLOYMENT.md").read_text()
    rule = next(line for line in guide.splitlines() if "NOPASSWD" in line and line.startswith("    echo"))
    dev.on_node("sh", "-c", "rm /etc/sudoers.d/*")
    dev.on_node("sh", "-c", f"{rule} && chmod 440 /etc/sudoers.d/helionyx && visudo --check")
    assert dev.change("restart", "dev")["outcome"] == "done"


def test_going_back_as_documented_sends_nothing(dev: Operator) -> None:
    """The commit of before, deployed again: the node still has its release. Not a byte of the log changes."""
    first = dev.health("dev")["release"]
    dev.tell("dev", [f"before the deploys, {number}: ü\n" for number in range(20)])
    events = dev.events("dev")
    assert events.count(b"\n") == 20
    dev.commit("services/changed.py", "FORWARD = 1\n")
    second = dev.deploy("dev")
    assert second["release"] == dev.health("dev")["release"] != first
    assert "upload layer" not in titles(second)
    assert dev.events("dev") == events
    git(dev.root, "switch", "--quiet", "--detach", "HEAD~1")
    back = dev.deploy("dev")
    assert back["release"] == first
    assert "upload release" not in titles(back)
    assert dev.health("dev")["release"] == first
    assert dev.events("dev") == events


WAITING = """
systemctl reset-failed first.service 2>/dev/null
cat > /run/systemd/system/first.service <<END
[Service]
Type=oneshot
ExecStart=/usr/bin/sleep 60
END
cat > /run/systemd/system/second.service <<END
[Unit]
After=first.service
[Service]
ExecStart=/usr/bin/sleep 600
Restart=on-failure
RestartSec=100ms
END
systemctl daemon-reload
systemctl start second.service
systemctl start --no-block first.service
until test "$(systemctl is-active first.service)" = activating; do sleep 0.05; done
systemctl kill --signal=KILL second.service
until test "$(systemctl is-active second.service)" = inactive; do sleep 0.05; done
half=$(ls -t /opt/helionyx/host/*.pyz | head -1)
alive='import sys; sys.path.insert(0, sys.argv[1]); from host.node import systemd
print([systemd.is_alive(f"{name}.service") for name in ("first", "second", "third")])'
python3 -SI -c "$alive" "$half"
systemctl stop second.service first.service
rm /run/systemd/system/first.service /run/systemd/system/second.service
systemctl daemon-reload
"""


def test_killed_unit_that_waits_for_another_one_is_alive(settled: Operator) -> None:
    """Whoever follows a change does not give it up while its unit waits for the service's own start."""
    assert settled.on_node("timeout", "50", "sh", "-c", WAITING).split("\n")[-2] == "[True, True, False]"
