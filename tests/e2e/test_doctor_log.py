"""`make doctor` and the event log of a real node: its hints are followed, and all that was said is there."""

from __future__ import annotations

import json

from .findings import bad, done_there, examine
from .operator import Operator

EVENTS = "/var/lib/helionyx/dev/events"
UNITS = ("helionyx-dev.socket", "helionyx-dev.service")
TURN = """
import sys
path, old, new = sys.argv[1:]
data = open(path, "rb").read()
assert data.count(old.encode()) == 1, data.count(old.encode())
open(path, "r+b").write(data.replace(old.encode(), new.encode()))
"""


def test_log_that_was_deleted_under_its_service_is_saved_by_its_hint(dev: Operator) -> None:
    """Only the process has it yet: nothing that would end that is proposed, and nothing said is lost."""
    dev.tell("dev", ["an orange", "a lemon"])
    before = dev.events("dev")
    dev.on_node("rm", "-r", EVENTS)
    dev.await_not_ready("dev")
    found = examine(dev, "dev", code=4)
    assert bad(found) == {("dev", "event log"), ("dev", "service")}
    text, mend = found["dev", "event log", "bad"]
    assert text.endswith(f"still holds the event log in a file that was deleted; {EVENTS} has none")
    assert mend.startswith("do not restart, stop or deploy it before anything else; as root on the node: ")
    save, there, back = mend.split("; ")[1:-1]
    dev.on_node("sh", "-ec", save.removeprefix("as root on the node: "))
    assert there == "then make stop ENV=dev"
    dev.change("stop", "dev")
    dev.on_node("sh", "-ec", back.removeprefix("as root on the node: "))
    dev.change("start", "dev")
    assert dev.events("dev") == before
    assert not bad(examine(dev, "dev"))


def test_log_of_another_length_than_the_service_tells_is_bad(dev: Operator) -> None:
    """As after a backup was put under a service that runs: that goes on in a file that no directory has."""
    dev.tell("dev", ["a cherry"])
    path, aside = f"{EVENTS}/events.db", "/root/older"
    dev.on_node("systemctl", "stop", *UNITS)
    dev.on_node("cp", "-a", EVENTS, aside)
    dev.on_node("systemctl", "start", *UNITS)
    dev.await_ready("dev")
    older = dev.log("dev")["length"] - 1  # without this start
    dev.tell("dev", ["a second cherry"])
    before = dev.events("dev")
    dev.on_node("sh", "-ec", f"rm {path}*; cp -a {aside}/events.db {path}; rm -r {aside}")
    dev.await_not_ready("dev")
    found = examine(dev, "dev", code=4)
    assert bad(found) == {("dev", "event log"), ("dev", "service")}
    text, mend = found["dev", "event log", "bad"]
    assert f"still holds the event log in a file that was deleted; {EVENTS} has {older} event" in text
    save, _, back = mend.split("; ")[1:-1]
    dev.on_node("sh", "-ec", save.removeprefix("as root on the node: "))
    dev.on_node("systemctl", "stop", *UNITS)
    dev.on_node("sh", "-ec", back.removeprefix("as root on the node: "))
    dev.on_node("systemctl", "start", *UNITS)
    dev.await_ready("dev")
    assert dev.events("dev") == before
    dev.on_node("rm", "-r", f"{EVENTS}.other", "/root/events-dev")


def test_log_that_is_not_read_is_told_by_its_cause(settled: Operator) -> None:
    """Once; what the process tells of it is no less."""
    layers = "/opt/helionyx/layers"
    harm, mend = f"mkdir /root/a; mv {layers}/* /root/a/", f"mv /root/a/* {layers}/; rmdir /root/a"
    with done_there(settled, harm, mend):
        found = examine(settled, "dev", code=4)
    assert bad(found) == {("dev", "dependencies")}
    assert ("dev", "service", "ok") in found


def test_group_that_is_gone_hides_nothing_else(dev: Operator) -> None:
    """It is made anew by its hint, under its number: no deploy would."""
    dev.on_node("sed", "-i", "/^helionyx-dev:/d", "/etc/group", "/etc/gshadow")
    found = examine(dev, "dev", code=4)
    assert bad(found) == {("dev", "user")}
    for other in ("release", "units", "service", "boot", "changes", "port"):
        assert ("dev", other, "ok") in found
    dev.on_node("sh", "-c", found["dev", "user", "bad"][1].removeprefix("as root on the node: "))
    assert not bad(examine(dev, "dev"))


def test_damaged_event_log_is_found_at_its_position(dev: Operator) -> None:
    """One letter of one record, in the file of a stopped environment."""
    dev.tell("dev", ["an apple", "a pear that was said", "a plum"])
    position = next(
        item["position"]
        for item in map(json.loads, dev.events("dev").splitlines())
        if "a pear" in json.dumps(item)
    )
    dev.change("stop", "dev")
    file = f"{EVENTS}/events.db"
    dev.on_node("python3", "-c", TURN, file, "a pear that was said", "a bear that was said")
    try:
        found = examine(dev, "dev", code=4)
    finally:
        dev.on_node("python3", "-c", TURN, file, "a bear that was said", "a pear that was said")
    assert bad(found) == {("dev", "event log")}
    assert found["dev", "event log", "bad"][1].startswith("make restore ENV=dev")
    assert f"position {position} of " in found["dev", "event log", "bad"][0]
    assert "stopped on purpose" in found["dev", "service", "ok"]
    assert not bad(examine(dev, "dev"))
