"""A release that goes bad after the switch: the node reverts it by itself, and nobody is asked."""

from __future__ import annotations

import contextlib
import json
import time
from typing import Any

import pytest

from .operator import Operator

SERVING = "services/api/serving.py"
READY = '    notify("READY=1"'
SECONDS = 60  # for a revert on a busy machine
# Each begins in the service alone, some seconds after it was READY: a rehearsal has none of it.
LATER = """\
    import os, threading, time
    if "HELIONYX_REHEARSAL" not in os.environ:
        asyncio.get_running_loop().call_later(2, {what})
"""
HOARD = "[time.sleep(0.1) or b'x' * (10 << 20) for _ in range(200)]"
KINDS = {
    "crashes": "os._exit, 7",
    "is not ready any more": "setattr, type(application.service), 'not_ready', 'broken on purpose'",
    "cannot append": "setattr, type(application.service), 'tell', None",
    "needs more and more memory": f"threading.Thread(target=lambda: {HOARD}, daemon=True).start",
}


def reverted(operator: Operator) -> dict[str, Any]:
    """The rollback that the node has done, once it is in the history."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        last: dict[str, Any] = json.loads(operator.script("history", "dev", "--json").stdout)["changes"][-1]
        if last["verb"] == "rollback" and last["outcome"] != "under way":
            return last
    raise AssertionError(f"no rollback within {SECONDS} s")


def _append_until_reverted(operator: Operator, before: str) -> None:
    """Go on as somebody who does not notice that nothing is recorded."""
    end = time.monotonic() + SECONDS
    while operator.health("dev")["release"] != before:
        assert time.monotonic() < end
        with contextlib.suppress(OSError):
            operator.ask("dev", "/api/v1/messages", {"text": "not recorded"})
        time.sleep(0.1)


@pytest.mark.parametrize(
    "kind",
    [kind if kind == "crashes" else pytest.param(kind, marks=pytest.mark.faults) for kind in KINDS],
)
def test_release_that_goes_bad_is_reverted(dev: Operator, kind: str) -> None:
    """With the reason in the history; what was said to it is there, and no rollback chooses it."""
    before = dev.health("dev")["release"]
    dev.edit(SERVING, READY, LATER.format(what=KINDS[kind]) + READY)
    deployed = dev.deploy("dev", WATCH="60")
    dev.tell("dev", ["said to a release that goes bad"])
    if kind == "cannot append":
        _append_until_reverted(dev, before)
    change = reverted(dev)
    assert (change["outcome"], change["actor"]["name"], change["after"]) == ("done", "probation", before)
    assert change["reason"].startswith("reverted by probation: ")
    assert dev.health("dev")["release"] == before
    assert b"said to a release that goes bad" in dev.events("dev")
    after = dev.status("dev")
    assert (after["state"], after["problems"]) == ("running", [])
    assert after["previous"] != deployed["after"]
    assert change["before"] == deployed["after"]
    assert not any(note.startswith("on probation") for note in after["notes"])


def test_next_change_ends_a_probation(dev: Operator) -> None:
    """It decides what runs; a release that a person has stopped is not reverted either."""
    dev.commit("services/changed.py", "WATCHED = 1\n")
    dev.deploy("dev", WATCH="60")
    units = ("systemctl", "list-units", "--plain", "--no-legend", "helionyx-probation-*.service")
    assert len(dev.on_node(*units).splitlines()) == 1
    assert any(note.startswith("on probation for ") for note in dev.status("dev")["notes"])
    dev.change("restart", "dev")
    end = time.monotonic() + SECONDS
    while dev.on_node(*units):
        assert time.monotonic() < end
    assert dev.status("dev")["notes"] == []
