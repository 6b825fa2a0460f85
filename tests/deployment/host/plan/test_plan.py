"""The planner's rules, one data file each: the state found and the state desired in, steps out.

A case names what differs from `plan_base.json`: a healthy environment that is asked to be as it is. The state
found of a `bare` case is all in the file. A step is `VERB TARGET`, with its reason.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from deployment.host.plan.plan import plan
from deployment.host.values.desired import Absent, Desired, Running, Stopped, Unchanged
from deployment.host.values.errors import Refused
from deployment.host.values.layout import Environment
from deployment.host.values.log import Log
from deployment.host.values.manifest import Manifest
from deployment.host.values.observed import LogLoss, NameConflict, Observed, ReleaseOnDisk
from deployment.host.values.request import Redaction
from deployment.host.values.step import Step, before_switch, callers
from deployment.host.values.unread import Unread

BASE = json.loads((Path(__file__).parent / "plan_base.json").read_text())
CASES = sorted((Path(__file__).parent / "plans").glob("*.json"))
STATES: dict[str, type[Desired]] = {
    "running": Running,
    "stopped": Stopped,
    "absent": Absent,
    "as it is": Unchanged,
}
DEFAULTS = {
    "dirty": False,
    "subject": "",
    "python": "3.11",
    "platform": "x86_64-manylinux_2_36",
    "files": {},
    "digests": {},
    "log": {"table": 1, "reads": {"said": [1]}, "writes": {"said": [1]}},
}


def _observed(value: dict[str, Any]) -> Observed:
    releases = {name: ReleaseOnDisk(**kept) for name, kept in value.get("releases", {}).items()}
    lists: dict[str, Any] = {
        key: tuple(value[key])
        for key in ("layers", "layers_elsewhere", "listening", "altered", "strays", "jobs", "logs", "dropins")
        if key in value
    }
    for key in ("taken", "links"):
        lists[key] = tuple(NameConflict(**item) for item in value.get(key, ()))
    log: dict[str, Any] = {key: Log(**value[key]) for key in ("log", "last_head") if value.get(key)}
    log |= {"lost": LogLoss(**value["lost"])} if value.get("lost") else {}
    if value.get("unread"):
        log["unread"] = Unread(**{**value["unread"], "holders": tuple(value["unread"].get("holders", ()))})
    value = {"runs": value.get("current"), **value}
    return Observed(**{**value, **lists, **log, "releases": releases})


def _state(value: dict[str, Any]) -> Desired:
    """The state desired, from a case: what it leaves out of a revert or a deploy is as there."""
    release = Manifest(**{**DEFAULTS, **value["release"]}) if value.get("release") else None
    options = {key: item for key, item in value.items() if key not in ("environment", "state", "release")}
    if "log" in options:
        options["log"] = Log(**options["log"])
    if "redaction" in options:
        options["redaction"] = Redaction(**options["redaction"])
    if value["state"] == "running":
        options = {"staged": True, "enabled": not options.get("back", False), **options}
    return STATES[value["state"]](environment=Environment(value["environment"]), release=release, **options)


def _desired(override: dict[str, Any]) -> dict[str, Any]:
    """The state desired in a case; its release differs from the base in some fields, or is none."""
    release = override.get("release", {})
    whole = None if release is None else BASE["desired"]["release"] | release
    return {**BASE["desired"], **override, "release": whole}


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_plan(path: Path) -> None:
    """What the file's `rule` says."""
    case = json.loads(path.read_text())
    found = ({} if case.get("bare") else BASE["observed"]) | case.get("observed", {})
    observed, desired = _observed(found), _state(_desired(case.get("desired", {})))
    if "refused" in case:
        with pytest.raises(Refused, match=re.escape(case["refused"])) as refusal:
            plan(observed, desired)
        assert refusal.value.hint
        return
    steps = plan(observed, desired)
    shown = [(" ".join([step.verb, *step.target]), step.reason) for step in steps]
    assert shown == list(case["steps"].items()), case["rule"]
    assert callers(steps) == case["callers"], case["rule"]


NOTICED = {
    *("start-bridge", "turn-current", "disable-units", "enable-units", "remove-units", "stop-units"),
    *("close-socket", "open-socket", "restart-service", "switch-log", "redact-log", "rebuild-projections"),
    *("verify", "remove-releases", "delete-data", "keep-data", "forget-log", "remove-user"),
}
"""The verbs of steps that what serves notices, or that no revert undoes."""


def test_switch_begins_before_what_serves_is_touched() -> None:
    """In each plan; and a rehearsal is over before."""
    for path in CASES:
        lines = list(json.loads(path.read_text()).get("steps", ()))
        steps = tuple(Step(line.split()[0]) for line in lines)
        prepared = [step.verb for step in steps[: before_switch(steps)]]
        touched = [step.verb for step in steps[before_switch(steps) :]]
        assert not NOTICED & {*prepared}, path.stem
        assert not {"rehearse", "soak", "end-rehearsal"} & {*touched}, path.stem


def test_each_state_found_can_be_recorded() -> None:
    """As the record of a change begins with it: also a log that nobody could read."""
    for path in CASES:
        case = json.loads(path.read_text())
        json.dumps(_observed(BASE["observed"] | case.get("observed", {})).facts())


def test_every_verb_of_a_plan_has_hands() -> None:
    """A plan never holds a step that nothing can perform, and there are no hands without a verb."""
    from deployment.host.apply.steps import STEPS

    shown = {line.split()[0] for path in CASES for line in json.loads(path.read_text()).get("steps", ())}
    assert shown == set(STEPS)
