"""Odd files in the data of dev, and odd processes of its user: every verb ends in a result.

A matrix of kinds of files, places and verbs. The places are all that root or a release's program looks at,
and each directory that dev can write. `odd_verbs.py` tries them, on the node. Nothing outside of dev may be
touched, no verb may hang, and the other environments may not notice.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from .back_door import BackDoor
from .faults import fault
from .oddities import DIRECTORIES, INTO
from .operator import Operator

PROGRAM = ("__init__.py", "oddities.py", "odd_verbs.py")
FILES = ("log", "wal", "shm", "head", "last backup", "model", "old model", "archived log")
IN_PLACE = (
    *("loop", "dangling", "secret", "top", "neighbour", "pipe", "socket", "directory", "empty", "garbage"),
    *("sparse", "unreadable", "setuid", "device", "immutable", "foreign", "hard", "flipping"),
)
ROOTS = ("data", "events", "projections", "kept", "archived")  # directories that more is laid into
NIGHT = ("status", "doctor", "stop", "start")  # the verbs of each case, with one more in turn
REMOVALS = ("remove", "delete")
TURNS = ("restart", "rollback", "deploy", "another", "backup", "restore", "rebuild", "redact", *REMOVALS)
LONGEST = 1500.0  # seconds for the cases of one place
SAMPLE = (
    ("nested", "data"),
    ("loop", "kept"),
    ("pipe", "last backup"),
    ("secret", "head"),
    ("bytes", "events"),
)
# Sets the name of its process, listens at a port if there is one, and says that it is there.
STRAY = """
import ctypes, os, socket, sys, time
ctypes.CDLL(None).prctl(15, bytes.fromhex(sys.argv[1]))
if sys.argv[2] != "0":
    listener = socket.create_server(("", int(sys.argv[2])))
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
time.sleep(600)
"""
NAME = b"\xff\n\x1b[2J"
SHOWN = r"\xff\u000a\u001b[2J (pid "

Case = tuple[list[tuple[str, str]], list[str]]  # kinds and their places, and the verbs


def cases(place: str) -> Iterator[Case]:
    """The cases of a place: all kinds of files, with each of the other verbs in turn."""
    places = (*FILES, *DIRECTORIES, "data")
    kinds = IN_PLACE if place != "data" else ("unreadable", "setuid", "immutable")
    for kind in (*kinds, *(INTO if place in ROOTS else ())):
        turn = TURNS[((*IN_PLACE, *INTO).index(kind) + places.index(place)) % len(TURNS)]
        first, last = ([], [turn]) if turn in REMOVALS else ([turn], [])
        yield [(kind, place)], [*NIGHT[:2], *first, *NIGHT[2:], *last]


def tried(intruder: BackDoor, chosen: list[Case]) -> list[dict[str, Any]]:
    """Try cases on the node; the outcome of each verb, all of them without a flaw."""
    node, here = intruder.operator.node, Path(__file__).parent
    for name in PROGRAM:
        put = ["sh", "-c", f"mkdir -p /root/odd && cat > /root/odd/{name}"]
        assert node.run(put, input=(here / name).read_text()).returncode == 0
    run = ["sh", "-c", "cd /root && exec /usr/bin/python3 -m odd.odd_verbs"]
    done = node.run(run, input=json.dumps(chosen) + "\n", timeout=LONGEST)
    assert done.returncode == 0, done.stderr
    lines: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    flawed = [line for line in lines if line.get("flaws", line.get("skipped"))]
    assert not flawed, json.dumps(flawed, indent=1)
    return lines


@contextmanager
def stray(operator: Operator, port: int = 0) -> Iterator[None]:
    """A process of dev's user beside its sandbox, whose name and words are as odd as they can be."""
    put = operator.node.run(["sh", "-c", "cat > /srv/stray.py"], input=STRAY)
    assert put.returncode == 0
    unit = ["systemd-run", "--quiet", "--unit=stray", "--uid=helionyx-dev", "--service-type=notify"]
    words = [NAME.hex(), str(port), "x" * 100_000, "exit 0: done\n\x1b[2J"]
    operator.on_node(*unit, "--property=NotifyAccess=all", "/usr/bin/python3", "/srv/stray.py", *words)
    try:
        yield
    finally:
        operator.on_node("systemctl", "stop", "stray")


def test_sample_of_the_matrix(intruder: BackDoor) -> None:
    """All at once: a link to itself, a path longer than any may be, a pipe, a name that is no UTF-8."""
    lines = tried(intruder, [(list(SAMPLE), ["status", "doctor", "stop"])])
    assert [(line["verb"], line["outcome"]) for line in lines] == [
        ("status", "done"),
        ("doctor", "done"),
        ("stop", "done"),
    ]


@pytest.mark.timeout(LONGEST)
@pytest.mark.parametrize("place", [fault(place, name=place) for place in (*FILES, *DIRECTORIES, "data")])
def test_odd_files_in_a_place(intruder: BackDoor, place: str) -> None:
    """The whole matrix, place by place."""
    assert tried(intruder, list(cases(place)))


def test_neighbour_at_the_port_is_named_in_one_refusal(intruder: BackDoor) -> None:
    """Whatever bytes its process has as a name."""
    operator = intruder.operator
    operator.change("stop", "staging")
    with stray(operator, port=8001):
        done = operator.script("start", "staging")
        assert done.returncode == 2, done.stdout + done.stderr
        assert f"port 8001 is held by {SHOWN}" in done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr
        assert operator.status("staging")["state"] == "stopped"
    operator.change("start", "staging")


def test_stray_of_any_name_stops_no_verb(intruder: BackDoor) -> None:
    """It is told of where it matters, in letters that move no terminal."""
    operator = intruder.operator
    with stray(operator):
        for verb in ("stop", "start"):
            assert operator.change(verb, "dev")["outcome"] == "done"
        done = operator.script("status")
        assert done.returncode == 0, done.stdout + done.stderr
        assert not set(done.stdout) & {"\x1b", "\udcff"}


# Measures a call of the host half: its peak of memory, and that of the programs that it has started.
MEASURED = """
import json, resource, sys, time
sys.path.insert(0, sys.argv[1])
from host.doctor import status
from host.node import systemd
from host.values.layout import Environment, Layout
dev = Environment("dev")
begun = time.monotonic()
if sys.argv[2] == "words":
    found = sum(map(len, systemd.last_words(dev, systemd.now(-600), dev.service)))
else:
    found = status.of(dev).state
peaks = [resource.getrusage(who).ru_maxrss >> 10 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(json.dumps({"found": found, "peaks": peaks, "seconds": time.monotonic() - begun}))
"""
# Lines of 47 kB that journald compresses to almost nothing.
FLOOD = """
import os
line = b'{"level": "info", "message": "' + b"x" * 47_000 + b'"}\\n'
for _ in range(2_000):
    os.write(2, line)
"""
# A log of many types of events, each of which `head` tells.
TYPES = """
import sqlite3
body = '{"id": "%d", "type": "T%0200d", "version": 1, "time": "2026", "data": {}}'
with sqlite3.connect("/var/lib/helionyx/dev/events/events.db") as log:
    log.executescript("PRAGMA synchronous = OFF; DROP TRIGGER events_insert")
    position, before, digest = log.execute(
        "SELECT position, previous, hash FROM events ORDER BY position DESC LIMIT 1"
    ).fetchone()
    rows = ((position + 1 + n, before, digest, body % (n, n)) for n in range(100_000))
    log.executemany("INSERT INTO events (position, previous, hash, body) VALUES (?, ?, ?, ?)", rows)
"""


def measured(operator: Operator, call: str) -> dict[str, Any]:
    """The measurement of a call of the host half that was used last on the node."""
    half = operator.on_node("sh", "-c", "ls -t /opt/helionyx/host/*.pyz | head -1").strip()
    value: dict[str, Any] = json.loads(operator.on_node("/usr/bin/python3", "-c", MEASURED, half, call))
    return value


def test_flooded_journal_takes_no_memory_of_a_transaction(intruder: BackDoor) -> None:
    """Of 94 MB of lines, which lie in a file of 8 MB, the last ones are read: 270 MB before."""
    intruder.run(FLOOD)
    found = measured(intruder.operator, "words")
    assert 1_000 < found["found"] < 200_000
    assert max(found["peaks"]) < 64, found


def test_log_of_many_types_takes_no_memory_of_a_status(intruder: BackDoor) -> None:
    """Of 100,000 types of events nobody takes more than the first: 120 MB before."""
    operator, log, aside = intruder.operator, "/var/lib/helionyx/dev/events", "/root/events"
    operator.change("stop", "dev")
    operator.on_node("cp", "--archive", log, aside)
    operator.on_node("runuser", "-u", "helionyx-dev", "--", "/usr/bin/python3", "-c", TYPES)
    found = measured(operator, "status")
    operator.on_node("sh", "-c", f"rm -r {log} && mv {aside} {log}")
    operator.change("start", "dev")
    assert found["found"] == "stopped"
    assert max(found["peaks"]) < 64, found


# Mounts a FUSE file system whose server has died: each look at it fails with ENOTCONN. Its owner may be any.
DEAD = r"""
import ctypes, os, stat, sys
if not os.path.exists("/dev/fuse"):
    os.mknod("/dev/fuse", stat.S_IFCHR | 0o600, os.makedev(10, 229))
server = os.open("/dev/fuse", os.O_RDWR)
options = f"fd={server},rootmode=40000,user_id=0,group_id=0".encode()
if ctypes.CDLL(None, use_errno=True).mount(b"dead", os.fsencode(sys.argv[1]), b"fuse", 6, options):
    sys.exit(os.strerror(ctypes.get_errno()))
"""


@pytest.mark.parametrize(
    "place", [fault("", name="data"), fault("events", name="events"), fault("projections", name="models")]
)
def test_dead_mount_in_the_data_is_named(intruder: BackDoor, place: str) -> None:
    """A stop works all the same; what would change the data is refused in one message."""
    operator = intruder.operator
    path = f"/var/lib/helionyx/dev/{place}".rstrip("/")
    operator.on_node("python3", "-c", DEAD, path)
    try:
        dead = f"{path} cannot be looked at: Transport endpoint is not connected"
        assert dead in operator.status("dev")["problems"]
        for verb in ("rollback", "remove"):
            refused = operator.change(verb, "dev", code=2, CONFIRM="dev")
            assert refused["message"] == f"{dead}."
            assert "umount --lazy" in refused["hint"]
        operator.change("stop", "dev")
        assert dead in operator.status("dev")["notes"]
    finally:
        operator.on_node("umount", "--lazy", path)
    operator.change("start", "dev")
    assert operator.status("dev")["problems"] == []
