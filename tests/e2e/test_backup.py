"""A backup is made while the service runs, comes back as it was made, and read models are made again."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from .operator import LIMIT, Operator, git
from .test_kill import _shoot_ssh

DATA = "/var/lib/helionyx/dev"
SHELF = f"{DATA}/kept"
AUDIT = "/var/lib/helionyx-deploy/deployments.jsonl"
SPOIL = """
import pathlib, sqlite3, sys
for file in pathlib.Path(sys.argv[1], "projections").glob("*.db"):
    with sqlite3.connect(file) as models:
        models.execute("UPDATE timeline SET data = json_set(data, '$.text', 'spoiled')")
"""


@contextmanager
def load(dev: Operator, callers: int = 4) -> Iterator[list[str]]:
    """People who go on speaking; the list grows with all that was acknowledged."""
    acknowledged: list[str] = []
    over, refused = threading.Event(), []

    def speak(caller: int) -> None:
        number = 0
        while not over.is_set():
            number += 1
            text = f"caller {caller}, {number}"
            status, answer = dev.ask("dev", "/api/v1/messages", {"text": text})
            acknowledged.append(text) if status == 201 else refused.append(answer)

    threads = [threading.Thread(target=speak, args=(caller,)) for caller in range(callers)]
    for thread in threads:
        thread.start()
    try:
        yield acknowledged
    finally:
        over.set()
        for thread in threads:
            thread.join(timeout=LIMIT)
    assert not refused, refused[0]


def texts(file: Path) -> set[str]:
    """All that a backup holds of what was said."""
    with closing(sqlite3.connect(f"file:{file}?immutable=1", uri=True)) as log:
        rows = log.execute("SELECT body FROM events").fetchall()
    return {json.loads(row[0])["data"].get("text") for row in rows}


def events(file: Path) -> int:
    """The number of events in a backup."""
    with closing(sqlite3.connect(f"file:{file}?immutable=1", uri=True)) as log:
        return int(log.execute("SELECT count(*) FROM events").fetchone()[0])


def copied(dev: Operator, tmp_path: Path, name: str = "dev.db") -> Path:
    """A backup of dev as it is now."""
    dev.change("backup", "dev", TO=str(tmp_path / name))
    return tmp_path / name


def traces(dev: Operator) -> str:
    """What a refusal must not have changed: processes, files, history. The service itself notes the head."""
    spare = [word for name in ("*-shm", "*-wal", "*.head") for word in ("-not", "-name", name)]
    found = dev.on_node("find", DATA, *spare, "-printf", "%p %i\\n")
    return f"{dev.pid('dev')}\n{found}\n{dev.on_node('sha256sum', AUDIT)}"


def test_backup_under_load_holds_all_that_was_acknowledged_before(dev: Operator, tmp_path: Path) -> None:
    """And its chain holds; the node is left as it was, and nobody was refused anything."""
    with load(dev) as acknowledged:
        while len(acknowledged) < 50:
            time.sleep(0.05)
        before = set(acknowledged)
        result = dev.change("backup", "dev", TO=str(tmp_path / "dev.db"))
        at_the_end = len(acknowledged)
    file = tmp_path / "dev.db"
    assert before <= texts(file)
    assert at_the_end > len(before), "they went on while it was made"
    assert result["position"] == events(file) > len(before)
    assert result["size"] == file.stat().st_size
    assert file.stat().st_mode & 0o777 == 0o600
    assert f"{result['position']:,} events" in result["summary"]
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "events.db").write_bytes(file.read_bytes())
    words = [".venv/bin/python", "-m", "services.event_log", "verify", "--store", str(tmp_path / "store")]
    assert dev.run(*words).stdout.startswith("ok: ")
    notes = ["events.head", "events.last_backup"]
    assert dev.on_node("ls", "-A", DATA).split() == ["events", *notes, "projections"]
    assert not list(tmp_path.glob(".*"))


def test_backup_works_while_the_service_is_stopped(dev: Operator) -> None:
    """Into `backups/` unless told otherwise, which git does not see; and what is stopped stays so."""
    dev.tell("dev", ["before the stop"])
    dev.change("stop", "dev")
    done = dev.script("backup", "dev")
    assert done.returncode == 0, done.stdout + done.stderr
    (file,) = (dev.root / "backups").iterdir()
    assert str(file) in done.stdout.splitlines()[-1]
    assert "before the stop" in texts(file)
    assert dev.status("dev")["state"] == "stopped"
    assert not git(dev.root, "status", "--porcelain")


def test_history_tells_who_took_a_backup(dev: Operator, tmp_path: Path) -> None:
    """All that was ever said has left the node: who has it, and how far it goes, is in the chain."""
    dev.tell("dev", ["before the backup"])
    result = dev.change("backup", "dev", TO=str(tmp_path / "dev.db"))
    last = json.loads(dev.script("history", "dev", "--json").stdout)["changes"][-1]
    assert (last["verb"], last["outcome"], last["reason"]) == ("backup", "done", None)
    assert last["actor"]["login"] == dev.login
    assert last["before"] == last["after"] == result["release"]
    row = dev.script("history", "dev", LINES="1").stdout.splitlines()
    assert " backup " in row[1]
    assert row[-1] == "exit 0: done"
    audit = dev.on_node("tail", "-1", "/var/lib/helionyx-deploy/deployments.jsonl")
    assert json.loads(audit)["head"] == result["head"]
    refused = dev.change("backup", "staging", code=2, TO=str(tmp_path / "staging.db"))
    assert "staging has no release on this node" in refused["message"]
    assert [item.name for item in tmp_path.glob("*.db")] == ["dev.db"]
    assert dev.on_node("tail", "-1", "/var/lib/helionyx-deploy/deployments.jsonl") == audit


def test_user_that_was_deleted_is_told(dev: Operator, tmp_path: Path) -> None:
    """Nobody is left who could read the log: a message and a hint, for a backup and for a restore."""
    dev.tell("dev", ["before the user went"])
    file = copied(dev, tmp_path)
    position, head = before = dev.last_event("dev")
    dev.change("stop", "dev")
    dev.on_node("userdel", "helionyx-dev")
    try:
        result = dev.change("backup", "dev", code=2, TO=str(tmp_path / "second.db"))
        kept = dev.change("restore", "dev", code=2, BACKUP=f"{position}-{head[:12]}")
    finally:
        dev.deploy("dev")
    for refusal in (result, kept):
        assert "there is no user helionyx-dev" in refusal["message"]
        assert refusal["hint"] == "make deploy ENV=dev makes it again"
    assert list(tmp_path.iterdir()) == [file]
    assert dev.last_event("dev") == before


def test_lost_connection_leaves_no_backup_and_nothing_on_the_node(dev: Operator, tmp_path: Path) -> None:
    """Shot while the node copies: it notices, and clears up. The next one works."""
    slow = '    scratch = target / f".backup-{secrets.token_hex(4)}"\n'
    wait = "    while Path('/etc/slow').exists():\n        __import__('time').sleep(0.1)\n"
    dev.edit("services/event_log/sqlite/backup.py", slow, f"{wait}{slow}")
    dev.deploy("dev")
    dev.on_node("touch", "/etc/slow")
    with dev.start("scripts/deploy/backup.sh", "dev", TO=str(tmp_path / "dev.db")) as backup:
        end = time.monotonic() + 20
        while ".backup" not in dev.on_node("ls", "-A", DATA) and time.monotonic() < end:
            time.sleep(0.1)
        second = dev.change("backup", "dev", code=2, TO=str(tmp_path / "second.db"))
        _shoot_ssh(backup.pid)
        said = backup.communicate(timeout=LIMIT)[0]
    dev.on_node("rm", "/etc/slow")
    assert "another backup of dev is just being made" in second["message"]
    assert backup.returncode == 2, said
    assert not list(tmp_path.iterdir())
    end = time.monotonic() + 20
    while ".backup" in dev.on_node("ls", "-A", DATA) and time.monotonic() < end:
        time.sleep(0.2)
    assert ".backup" not in dev.on_node("ls", "-A", DATA)
    assert copied(dev, tmp_path).stat().st_size


def test_round_trip(dev: Operator, tmp_path: Path) -> None:
    """The backup's head is the log's again; what is newer is told and kept, and comes back by its name."""
    dev.tell("dev", ["before the backup"])
    file = copied(dev, tmp_path)
    said = dev.last_event("dev")
    dev.tell("dev", ["after the backup"])
    pid = dev.pid("dev")
    dev.on_node("systemctl", "restart", "helionyx-dev.service")  # which says nothing: it does not count
    dev.await_restart("dev", pid)
    dev.tell("dev", ["and one more"])
    everything, (position, head) = dev.events("dev"), dev.last_event("dev")
    kept = f"{position}-{head[:12]}"
    result = dev.change("restore", "dev", BACKUP=str(file))
    assert "2 events of dev newer than the restored log will be archived" in result["warnings"][0]["message"]
    assert (result["kept"], result["newer"]) == (f"{SHELF}/{kept}", 2)
    assert dev.last_event("dev") == said
    assert result["log"]["head"] == said[1]
    assert f"make restore ENV=dev BACKUP={kept}" in result["summary"]
    (aside,) = dev.status("dev")["kept_logs"]
    assert aside["name"] == kept
    assert 0 <= time.time() - aside["written_at"] < LIMIT
    assert re.search(rf"{kept} +\d+ (s|min) ago", dev.script("status", "dev").stdout)
    back = dev.change("restore", "dev", BACKUP=kept)
    assert back["outcome"] == "done"
    assert back["log"]["begins"] is True
    assert dev.events("dev") == everything
    assert "already begins with" in dev.change("restore", "dev", code=2, BACKUP=kept)["message"]


def test_backup_that_cannot_be_used_is_refused(dev: Operator, tmp_path: Path) -> None:
    """Before anything is touched: processes, files and history are as they were."""
    dev.tell("dev", [f"number {number}" for number in range(40)])
    changed, unknown = copied(dev, tmp_path), tmp_path / "unknown.db"
    shutil.copy(changed, unknown)
    changed.write_bytes(changed.read_bytes().replace(b"number 7", b"number X"))
    _sing(dev, unknown)  # which this checkout knows, and the release on the node does not
    before = traces(dev)
    for file, message in ((changed, str(changed)), (unknown, "holds Sung in version 1")):
        result = dev.change("restore", "dev", code=2, BACKUP=str(file))
        assert message in result["message"]
    assert traces(dev) == before


def _sing(dev: Operator, file: Path) -> None:
    store = file.parent / "store"
    store.mkdir()
    file.rename(store / "events.db")
    code = (
        "from services.event_log.records import new_entry;"
        "from services.event_log.sqlite.log import SqliteLog; from pathlib import Path; import datetime as d;"
        f"log = SqliteLog.open(Path({str(store)!r}));"
        "log.append([new_entry('Sung', 1, d.datetime.now(d.UTC), {})]); log.close()"
    )
    argv = [str(dev.root / ".venv/bin/python"), "-c", code]
    subprocess.run(argv, cwd=dev.root, check=True, timeout=LIMIT)
    (store / "events.db").rename(file)


def test_read_models_are_rebuilt_while_requests_are_answered(dev: Operator) -> None:
    """At the log's position, with a digest; nobody is refused, and history knows of it."""
    dev.tell("dev", ["before the rebuild"])
    dev.on_node("python3", "-c", SPOIL, DATA)
    assert b"spoiled" in dev.ask("dev", "/api/v1/messages")[1]
    pid, length = dev.pid("dev"), dev.log("dev")["length"]
    with load(dev, callers=2) as acknowledged:
        result = dev.change("rebuild", "dev")
        again = dev.change("rebuild", "dev")
        while len(acknowledged) < 20:
            time.sleep(0.05)
    assert (result["outcome"], result["callers"]) == ("done", "nothing")
    assert length <= result["position"] <= again["position"]
    assert len(result["digest"]) == 64
    assert b"spoiled" not in dev.ask("dev", "/api/v1/messages")[1]
    assert dev.pid("dev") == pid
    quiet = dev.change("rebuild", "dev")
    assert quiet["digest"] == dev.change("rebuild", "dev")["digest"], "the same log makes the same models"
    assert f"at position {quiet['position']} were rebuilt" in quiet["summary"]
    assert quiet["position"] == dev.log("dev")["length"]
    history = json.loads(dev.script("history", "dev", "--json").stdout)["changes"]
    assert (history[-1]["verb"], history[-1]["outcome"]) == ("rebuild", "done")
