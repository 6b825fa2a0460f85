"""A password said by mistake goes for good; whatever compares histories accepts that, and no more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .operator import Operator

DATA = "/var/lib/helionyx/dev"
SECRET = "correct-horse"


def holding(dev: Operator, place: str = DATA) -> list[str]:
    """The files on the node that hold the words."""
    done = dev.node.run(("grep", "--recursive", "--files-with-matches", "--ignore-case", SECRET, place))
    assert done.returncode in (0, 1), done.stderr
    return done.stdout.split()


def events(dev: Operator) -> list[tuple[int, str]]:
    """The position and the type of all that dev has."""
    records = map(json.loads, dev.ask("dev", "/api/v1/events?limit=1000")[1].splitlines())
    return [(record["position"], json.loads(record["body"])["type"]) for record in records]


def redact(dev: Operator, position: int, *, code: int = 0) -> dict[str, Any]:
    """`make redact`."""
    return dev.change("redact", "dev", code=code, POSITION=str(position), REASON="a password")


def redactions(dev: Operator) -> list[str]:
    """The doctor's findings about redactions."""
    checks = json.loads(dev.script("doctor", "dev", "--json").stdout)["checks"]
    return [f"{check['level']}: {check['found']}" for check in checks if check["name"] == "redaction"]


def test_words_are_gone_from_the_node_and_every_other_change_is_found(dev: Operator, tmp_path: Path) -> None:
    """While the service runs and while it is stopped; also by hand, which is found."""
    dev.tell("dev", [f"todo: {SECRET} due tomorrow #home", f"again {SECRET}!"])
    dev.change("backup", "dev", TO=str(tmp_path / "dev.db"))
    before = events(dev)
    todo = next(position for position, type_ in before if type_ == "TodoAdded")
    said, pid = before[-1][0], dev.pid("dev")
    for position, refusal in ((99, "there is no event at position 99"), (1, "holds no text to redact")):
        assert refusal in redact(dev, position, code=2)["message"]
    assert dev.pid("dev") == pid

    result = redact(dev, todo)
    assert (result["outcome"], result["callers"]) == ("done", "an interruption")
    assert (result["changed"], result["elsewhere"]) == ([todo - 1, todo], [said])
    warned = "\n".join(item["message"] for item in result["warnings"])
    assert f"the same words are in event {said} too: make redact ENV=dev" in warned
    assert f", {len(before)} events, holds them: delete it" in warned
    assert events(dev)[: len(before)] == before
    assert b"[redacted]" in dev.ask("dev", "/api/v1/todos")[1]
    last = json.loads(dev.script("history", "dev", "--json").stdout)["changes"][-1]
    known = ("position", "changed", "at", "length", "old_head", "new_head")
    assert last["redacted"] == {**{key: result[key] for key in known}, "because": "a password"}
    assert redact(dev, todo)["outcome"] == "nothing"

    dev.change("stop", "dev")
    release = ("python3", "-IS", "/opt/helionyx/dev/current/run.py", "services.event_log", "redact")
    by_hand = ("--store", f"{DATA}/events", f"{said}", "by hand")
    dev.on_node("runuser", "-u", "helionyx-dev", "--", *release, *by_hand)
    (found,) = redactions(dev)
    assert found.startswith("bad: the log was redacted, as event ")
    assert redact(dev, said)["outcome"] == "done"
    assert dev.status("dev")["state"] == "stopped"
    # Also the read models, which the command by hand did not know of.
    assert (holding(dev), holding(dev, "/var/lib/helionyx-deploy")) == ([], [])
