"""An event log that gives way to a backup: the one of before is kept, and comes back when anything fails."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from deployment.settings import ROOT

from .faults import fault
from .operator import LIMIT, Operator
from .test_kill import shoot, told

SHELF = "/var/lib/helionyx/dev/kept"
WRITE = """
import sys
from pathlib import Path
from datetime import UTC, datetime
from services.event_log.records import new_entry
from services.event_log.sqlite.log import SqliteLog
moment = datetime(2026, 1, 1, tzinfo=UTC)
log = SqliteLog.open(Path(sys.argv[1]))
for number in range(int(sys.argv[2])):
    data = {"text": f"from the backup, {number}, {sys.argv[3]}", "source": "api"}
    log.append([new_entry("MessageRecorded", 1, moment, data)])
log.close()
"""


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """A log of five messages that no environment was ever told."""
    argv = [sys.executable, "-c", WRITE, str(tmp_path / "store"), "5", tmp_path.name]
    subprocess.run(argv, cwd=ROOT, check=True, timeout=LIMIT)
    return tmp_path / "store" / "events.db"


def _refuse(dev: Operator, backup: Path, after: float = 0.0) -> None:
    """Deploy a release that comes up with any log but that, or dies of it `after` some seconds."""
    umask = "    os.umask(0o077)\n"
    words = f"from the backup, 4, {backup.parent.parent.name}"
    ends = 'raise SystemExit("no")'
    if after:
        ends = f"__import__('threading').Timer({after}, os._exit, [1]).start()"
    picky = (
        '    log = Path("/var/lib/helionyx/dev/events/events.db")\n'
        f'    if log.exists() and b"{words}" in log.read_bytes():\n'
        f"        {ends}\n"
    )
    dev.edit("services/api/runner.py", umask, umask + picky)
    dev.deploy("dev")


def test_backup_takes_the_place_and_the_log_of_before_is_kept(dev: Operator, backup: Path) -> None:
    """Verified, with models of its own; nothing is to do the second time; with the data all of it goes."""
    dev.tell("dev", ["before the restore"])
    position, head = dev.last_event("dev")
    result = dev.change("restore", "dev", BACKUP=str(backup))
    assert (result["outcome"], result["callers"]) == ("done", "an interruption")
    assert "is another one than that of dev" in result["warnings"][0]["message"]
    assert result["steps"][-1]["remark"].endswith("6 events, the history is what was restored")
    assert dev.last_event("dev")[0] == 5
    assert b"from the backup, 4" in dev.ask("dev", "/api/v1/messages")[1]
    assert b"before the restore" not in dev.ask("dev", "/api/v1/messages")[1]
    kept = f"{position}-{head[:12]}"
    assert (result["kept"], result["newer"]) == (f"{SHELF}/{kept}", None)
    assert dev.on_node("ls", SHELF).split() == [kept]
    assert dev.change("restore", "dev", BACKUP=str(backup))["outcome"] == "nothing"
    dev.tell("dev", ["after the restore"])
    assert dev.status("dev")["log"]["said"]["position"] == 7  # behind the start
    owners = dev.on_node("sh", "-c", "find /var/lib/helionyx/dev -printf '%u\\n'")
    assert set(owners.split()) == {"helionyx-dev"}
    dev.change("remove", "dev", DATA="delete", CONFIRM="dev")
    assert not dev.node.run(["ls", "/var/lib/helionyx/dev"]).stdout


def test_whoever_is_asked_has_heard_what_it_costs(three: Operator, backup: Path, tmp_path: Path) -> None:
    """And whoever then types anything else has touched nothing."""
    three.tell("live", [f"word {number}" for number in range(9)])
    pid = three.pid("live")
    for typed, code in ((b"no\n", 2), (b"live\n", 0)):
        ours, theirs = pty.openpty()
        with three.start("scripts/deploy/restore.sh", "live", BACKUP=str(backup), stdin=theirs) as restore:
            os.close(theirs)
            os.write(ours, typed)
            said = restore.communicate(timeout=LIMIT)[0]
        os.close(ours)
        assert restore.returncode == code, said
        asked = said[: said.index("Type live to restore it")].lower()
        assert asked.count("the restored log is no part of the log of live: its") == 1
        assert code == 0 or three.pid("live") == pid
    assert b"from the backup, 4" in three.ask("live", "/api/v1/messages")[1]
    three.change("backup", "live", TO=str(tmp_path / "renamed.db"))
    refused = three.change("restore", "dev", code=2, BACKUP=str(tmp_path / "renamed.db"))
    assert "dev did not get the log of live: it was not confirmed" in refused["message"]
    assert b"from the backup, 4" not in three.events("dev")


def test_restore_that_fails_brings_the_log_of_before_back(dev: Operator, backup: Path) -> None:
    """A release that does not come up with the other log: all that was said is there again."""
    dev.tell("dev", ["before the restore that fails"])
    events = dev.events("dev")
    moody = '    os.umask(0o077)\n    if Path("/etc/moody").exists():\n        raise SystemExit("moody")\n'
    dev.edit("services/api/runner.py", "    os.umask(0o077)\n", moody)
    dev.deploy("dev")
    dev.on_node("touch", "/etc/moody")
    try:
        dev.change("restore", "dev", code=4, BACKUP=str(backup))
    finally:
        dev.on_node("rm", "/etc/moody")
    assert dev.change("start", "dev")["exit_code"] == 0
    assert dev.events("dev") == events


def test_restore_that_does_not_come_up_goes_back_by_itself(dev: Operator, backup: Path) -> None:
    """What fails with the other log alone is over when the log of before is back: exit code 3."""
    dev.tell("dev", ["before the restore that goes back"])
    events = dev.events("dev")
    _refuse(dev, backup)
    result = dev.change("restore", "dev", code=3, BACKUP=str(backup))
    assert "did not come up" in result["message"]
    assert "kept" not in result
    status = dev.status("dev")
    assert (status["kept_logs"], status["state"]) == ([], "running")
    assert dev.events("dev") == events


def test_service_that_dies_of_another_log_goes_back_by_itself(dev: Operator, backup: Path) -> None:
    """Also where it had answered before it died: it is watched for as long as a new release soaks."""
    dev.tell("dev", ["before the restore that seems to succeed"])
    events = dev.events("dev")
    _refuse(dev, backup, after=1.0)
    result = dev.change("restore", "dev", code=3, BACKUP=str(backup), SOAK="3")
    assert "ended by itself" in result["message"]
    assert dev.events("dev") == events


@pytest.mark.faults
def test_killed_on_its_way_back_it_still_goes_back(dev: Operator, backup: Path) -> None:
    """The log of before comes back, though the transaction is shot while it brings it."""
    dev.tell("dev", ["before the shot on the way back"])
    events = dev.events("dev")
    _refuse(dev, backup)
    with shoot(dev, told("take log")):
        done = dev.script("restore", "dev", BACKUP=str(backup))
    assert done.returncode == 3, done.stdout + done.stderr
    assert "this is its attempt 2" in done.stdout
    assert dev.events("dev") == events


def test_damaged_log_gives_way_to_a_backup_of_its_own_head(dev: Operator, tmp_path: Path) -> None:
    """That it ends as the backup does is no reason to say that there is nothing to do."""
    dev.tell("dev", [f"spoken word {number}" for number in range(9)])
    events, file = dev.events("dev"), tmp_path / "dev.db"
    dev.change("backup", "dev", TO=str(file))
    dev.change("stop", "dev")
    dev.on_node("sed", "-i", "s/spoken word 4/spoken word X/", "/var/lib/helionyx/dev/events/events.db")
    said = "\n".join(dev.change("start", "dev", code=3)["details"])
    assert "the event log is damaged" in said
    assert "/health/ready" not in said, "the cause is not hidden behind the questions whether it is ready"
    result = dev.change("restore", "dev", BACKUP=str(file))
    assert "is damaged and will be archived" in result["warnings"][0]["message"]
    assert dev.events("dev") == events
    assert dev.on_node("grep", "-c", "spoken word X", f"{result['kept']}/events.db")


def test_log_that_is_gone_gives_way_too(dev: Operator, backup: Path) -> None:
    """There is nothing to keep then, and nothing in the way; what was stopped is started to be verified."""
    dev.change("stop", "dev")
    dev.on_node("rm", "-r", "/var/lib/helionyx/dev/events")
    assert dev.change("restore", "dev", BACKUP=str(backup))["outcome"] == "done"
    assert dev.last_event("dev")[0] == 5


@pytest.mark.parametrize(("step", "state"), [("take log", "done"), fault("switch log", "begin")])
def test_killed_undoing_arrives(dev: Operator, backup: Path, step: str, state: str) -> None:
    """Shot while it brings a kept log back, it goes on; both logs are there in the end."""
    dev.tell("dev", [f"before the undoing that is shot in {step}"])
    events = dev.events("dev")
    kept = dev.change("restore", "dev", BACKUP=str(backup))["kept"].rpartition("/")[2]
    head = dev.last_event("dev")[1]
    with shoot(dev, told(step, state)):
        done = dev.script("restore", "dev", BACKUP=kept)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "this is its attempt 2" in done.stdout
    assert dev.events("dev") == events
    assert dev.on_node("ls", SHELF).split() == [f"5-{head[:12]}"]


@pytest.mark.faults
def test_kept_log_that_cannot_be_switched_keeps_its_name(dev: Operator, backup: Path) -> None:
    """As where somebody has mounted something: by that name it can be brought back later."""
    dev.tell("dev", ["before the mount"])
    events, place = dev.events("dev"), "/var/lib/helionyx/dev/events"
    kept = dev.change("restore", "dev", BACKUP=str(backup))["kept"].rpartition("/")[2]
    dev.change("stop", "dev")
    dev.on_node("mount", "--bind", place, place)
    try:
        dev.change("start", "dev")
        dev.change("restore", "dev", code=3, BACKUP=kept)
        assert kept in dev.on_node("ls", SHELF).split()
        assert not dev.status("dev")["notes"]
    finally:
        dev.change("stop", "dev")
        dev.on_node("umount", place)
    dev.change("restore", "dev", BACKUP=kept)
    assert dev.events("dev") == events


def test_what_comes_after_a_restore_is_rehearsed_with_its_log(dev: Operator, backup: Path) -> None:
    """Also a release whose read models, of another schema, followed the log of before."""
    dev.tell("dev", ["before the change of schema"])
    old = dev.health("dev")["release"]
    dev.edit("services/projections/build.py", "progress (position INTEGER", "progress (position  INTEGER")
    dev.deploy("dev")
    dev.change("restore", "dev", BACKUP=str(backup))
    assert dev.change("rollback", "dev", RELEASE=old)["outcome"] == "done"
    assert dev.last_event("dev")[0] == 5
    dev.commit("services/changed.py", "AFTER = True\n")
    assert dev.deploy("dev")["outcome"] == "done"
    assert b"from the backup, 4" in dev.ask("dev", "/api/v1/messages")[1]


@pytest.mark.parametrize(
    "when", [fault("install log"), fault("close socket"), fault("switch log"), fault("open socket")]
)
def test_power_cut_on_its_way(dev: Operator, backup: Path, when: str) -> None:
    """After the boot the node brings the restore to its end by itself; the log of before is archived."""
    dev.tell("dev", [f"before the power cut at {when}"])
    position, head = dev.last_event("dev")
    patient = f"{dev.environ['SSH_OPTIONS']} -o ServerAliveInterval=1"
    with dev.start("scripts/deploy/restore.sh", "dev", SSH_OPTIONS=patient, BACKUP=str(backup)) as restore:
        assert restore.stdout is not None
        for line in restore.stdout:
            if when in line:
                dev.node.power_cut()
                break
        restore.kill()
    assert dev.await_outcome()["outcome"] == "done"
    assert dev.last_event("dev")[0] == 5
    assert dev.status("dev")["unfinished"] == []
    assert f"{position}-{head[:12]}" in dev.on_node("ls", SHELF)


@pytest.mark.parametrize(
    ("step", "state"),
    [
        *(fault("install log", "begin"), fault("install log", "done"), fault("close socket", "begin")),
        *(fault("switch log", "begin"), fault("switch log", "done"), fault("open socket", "begin")),
        *(fault("restart service", "begin"), fault("verify", "begin")),
    ],
)
def test_killed_restore_arrives(dev: Operator, backup: Path, step: str, state: str) -> None:
    """Shot in the middle of any step, it goes on; no log is lost on the way."""
    dev.tell("dev", [f"before the shot in {step}"])
    position, head = dev.last_event("dev")
    with shoot(dev, told(step, state)):
        done = dev.script("restore", "dev", BACKUP=str(backup))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "this is its attempt 2" in done.stdout
    assert dev.last_event("dev")[0] == 5
    kept = f"{position}-{head[:12]}"
    assert kept in dev.on_node("ls", SHELF)
    assert f"BACKUP={kept}" in done.stdout
