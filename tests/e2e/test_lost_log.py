"""Every way to take an event log away, in every moment: no new one, and no 201 that is not on the disk."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from .faults import fault
from .operator import Operator

DATA = "/var/lib/helionyx/dev"
EVENTS, OWNER = f"{DATA}/events", "-o helionyx-dev -g helionyx-dev"
HEAD = "/opt/helionyx/heads/dev.json"
UNITS = "helionyx-dev.socket helionyx-dev.service"
SAID = ["an apple", "a pear", "a plum"]
EMPTY = f"install -d -m 700 {OWNER}"

# Shell lines: what is done before the service is started, and how its log goes away then.
WAYS = {
    "files deleted": ("", f"rm {EVENTS}/*"),
    "directory deleted": ("", f"rm -r {EVENTS}"),
    "directory renamed": ("", f"mv {EVENTS} {EVENTS}.away"),
    "empty directory": ("", f"mv {EVENTS} {EVENTS}.away && {EMPTY} {EVENTS}"),
    "older copy": ("", f"rm -r {EVENTS} && cp -a /root/older {EVENTS}"),
    "cut to nothing": ("", f"truncate -s 0 {EVENTS}/events.db"),
    "cut to a half": ("", f"truncate -s 12288 {EVENTS}/events.db"),
    "log not mounted": (
        f"mv {EVENTS} /root/volume && {EMPTY} {EVENTS} && mount --bind /root/volume {EVENTS}",
        f"umount -l {EVENTS} 2>/dev/null; true",
    ),
    "data not mounted": (
        f"mv {DATA} /root/volume && {EMPTY} {DATA} && mount --bind /root/volume {DATA}",
        f"umount -l {DATA} 2>/dev/null; true",
    ),
    "directory of root": ("", f"chown -R root:root {EVENTS}"),
    "file of root": ("", f"chown root:root {EVENTS}/events.db"),
}
# Nothing is lost: a change may set the owner right, and the -wal holds what was cut off.
STILL_THERE = ("directory of root", "file of root", "cut to a half")
# Its private mounts let a process go on writing to a volume that is unmounted for everybody else.
HOLDS_THE_VOLUME = ("running", "restart", "deploy", "rollback")


@dataclass
class Home:
    """A node whose dev has a log, with an older copy and a backup of it."""

    operator: Operator
    backup: Path
    first: str
    numbers: Iterator[int] = field(default_factory=itertools.count)
    acknowledged: list[str] = field(default_factory=list)

    def begin(self, before: str) -> None:
        """Put the data back as it was, start the service, and say something."""
        there = self.operator
        lines = (
            f"systemctl stop {UNITS}; umount -l {EVENTS} {DATA} 2>/dev/null; rm -rf {DATA} /root/volume;"
            f" cp -a /root/saved {DATA}; cp -a /root/head.json {HEAD}; {before or 'true'}"
        )
        there.on_node("sh", "-ec", f"set +e; {lines}; systemctl enable --now --quiet {UNITS}")
        there.await_ready("dev")
        self.acknowledged = []
        assert self.says()

    def says(self) -> bool:
        """Whether something that is said now is acknowledged."""
        text = f"words {next(self.numbers)}"
        try:
            status, _ = self.operator.ask("dev", "/api/v1/messages", {"text": text})
        except OSError:  # nobody answers
            return False
        if status == 201:
            self.acknowledged.append(text)
        return status == 201

    def on_disk(self) -> list[str]:
        """The records of the log on the disk, as root reads them; none where there is no log to be read."""
        export = "python3 -IS /opt/helionyx/dev/current/run.py services.event_log export --store"
        lines = f"{export} {EVENTS} 2>/dev/null || {export} /root/volume/events"
        done = self.operator.node.run(["sh", "-c", lines])
        return done.stdout.splitlines() if done.returncode == 0 else []


@pytest.fixture(scope="module")
def home(settled: Operator, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Two releases that came up, and a log of which an older copy and a backup were made."""
    place = tmp_path_factory.mktemp("lost")
    settled.commit("services/changed.py", "NUMBER = 0\n")
    settled.deploy("dev")
    settled.tell("dev", SAID[:1])
    settled.on_node(
        "sh", "-ec", f"systemctl stop {UNITS}; cp -a {EVENTS} /root/older; systemctl start {UNITS}"
    )
    settled.await_ready("dev")
    settled.tell("dev", SAID[1:])
    settled.change("restart", "dev")  # which notes how far the log goes
    settled.change("backup", "dev", TO=str(place / "dev.db"))
    settled.on_node(
        "sh", "-ec", f"systemctl stop {UNITS}; cp -a {DATA} /root/saved; cp -a {HEAD} /root/head.json"
    )
    made = Home(settled, place / "dev.db", "")
    made.first = made.on_disk()[0]
    return made


def running(home: Home, harm: str) -> int | None:
    home.operator.on_node("sh", "-ec", harm)
    home.says()
    return None


def restart(home: Home, harm: str) -> int | None:
    home.operator.on_node("sh", "-ec", harm)
    return home.operator.script("restart", "dev").returncode


def stop_and_start(home: Home, harm: str) -> int | None:
    home.operator.change("stop", "dev")
    home.operator.on_node("sh", "-ec", harm)
    return home.operator.script("start", "dev").returncode


def reboot(home: Home, harm: str) -> int | None:
    home.operator.on_node("sh", "-ec", harm)
    home.operator.node.reboot()
    return None


def crash(home: Home, harm: str) -> int | None:
    home.operator.on_node("sh", "-ec", f"{harm}; systemctl kill --signal=KILL helionyx-dev.service")
    asked = "systemctl show --property=NRestarts --value helionyx-dev.service"
    home.operator.on_node("timeout", "20", "sh", "-c", f'until test "$({asked})" -gt 0; do sleep 0.05; done')
    return None


def deploy(home: Home, harm: str) -> int | None:
    home.operator.on_node("sh", "-ec", harm)
    home.operator.commit("services/changed.py", f"NUMBER = {next(home.numbers)}\n")
    return home.operator.script("deploy", "dev").returncode


def rollback(home: Home, harm: str) -> int | None:
    home.operator.on_node("sh", "-ec", harm)
    return home.operator.script("rollback", "dev").returncode


def restore(home: Home, harm: str) -> int | None:
    """Of what is lost for good: it comes up with the backup, or is refused while a process has more."""
    home.operator.on_node("sh", "-ec", harm)
    home.operator.on_node("sh", "-ec", "systemctl kill --signal=KILL helionyx-dev.service")
    code = home.operator.script("restore", "dev", BACKUP=str(home.backup)).returncode
    assert code == 0
    home.acknowledged = []  # what was said behind the backup is in the log that was put aside, or gone
    assert home.says()
    return None


MOMENTS = (running, restart, stop_and_start, reboot, crash, deploy, rollback, restore)
SAMPLE = {("files deleted", restart)}
CASES = [
    (way, moment) if (way, moment) in SAMPLE else fault(way, moment, name=f"{way}-{moment.__name__}")
    for way in WAYS
    for moment in MOMENTS
]


@pytest.mark.parametrize(("way", "moment"), CASES)
def test_a_log_that_goes_away(home: Home, way: str, moment: Callable[[Home, str], int | None]) -> None:
    """Nothing begins anew, each acknowledged word is on the disk, and every change is refused."""
    before, harm = WAYS[way]
    home.begin(before)
    code = moment(home, harm)
    home.says()
    lines = home.on_disk()
    assert lines[:1] in ([], [home.first]), "another log"
    texts, (first, *later) = "\n".join(lines), home.acknowledged
    assert [text for text in later if text not in texts] == []
    if moment is restore:
        return
    if way in STILL_THERE:
        assert not later or all(text in texts for text in (*SAID, first))
        return
    assert later == [] or (way == "data not mounted" and moment.__name__ in HOLDS_THE_VOLUME)
    assert code in (None, 2)
    found = home.operator.status("dev")
    assert found["state"] in ("degraded", "stopped")
    assert found["problems"]


def test_a_path_that_changes_takes_no_log_along(dev: Operator) -> None:
    """Plan and deploy say how to move it; once it was moved, all of it is there."""
    dev.tell("dev", SAID)
    events, moved = dev.events("dev"), f"{DATA}/log"
    move = f"runuser -u helionyx-dev -- mv -T {EVENTS} {moved}"
    dev.configure("dev", f"EVENT_STORE_PATH={EVENTS}", f"EVENT_STORE_PATH={moved}")
    for verb in ("plan", "deploy"):
        refused = dev.change(verb, "dev", code=2)
        assert refused["message"].startswith(f"EVENT_STORE_PATH changed from {EVENTS} to {moved}")
        assert f"make stop ENV=dev; as root on the node: {move};" in refused["hint"]
    assert dev.status("dev")["state"] == "running"
    dev.change("stop", "dev")
    dev.on_node(*move.split())
    deployed = dev.deploy("dev")
    assert any("EVENT_STORE_PATH changes" in item["message"] for item in deployed["warnings"])
    assert dev.events("dev") == events
