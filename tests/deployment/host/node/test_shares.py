"""The share of the machine that each environment gets: from its configuration to its units."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deployment.build.units import render
from deployment.host.apply import rehearsal
from deployment.host.apply.compose import _units as composed
from deployment.host.doctor import rules, vitals
from deployment.host.event_log import log_commands
from deployment.host.node import shares, systemd
from deployment.host.records import record
from deployment.host.releases import halves
from deployment.host.transaction import changing
from deployment.host.transaction import unit as unit_of_transaction
from deployment.host.values.check import OK, WARN
from deployment.host.values.layout import ENVIRONMENTS, Environment, Layout
from deployment.verbs import preview
from tests.deployment.shelves import DEV, release
from tests.deployment.shelves import layout as layout

CONFIG = {"api_host": "127.0.0.1", "api_port": 8000}
GIVEN = {"memory_limit": "1G", "tasks_limit": 99, "cpu_weight": 77, "io_weight": 55}


def unit(environment: Environment, config: dict[str, Any]) -> str:
    """The service unit of an environment with this configuration."""
    return render(environment, "3.11", CONFIG | config)[environment.service].decode()


def settings(text: str) -> dict[str, str]:
    """The settings of a unit: of several with one name the last one counts."""
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line and line[0] not in "#[")


def test_program_that_takes_too_much_memory_ends_no_transaction() -> None:
    """It is refused the memory before the kernel kills in the unit, and a kill ends that program alone."""
    assert log_commands.LITTLE < log_commands.MEMORY < shares.MEMORY * (1 << 20)
    assert systemd.MEMORY < shares.MEMORY * (1 << 20)
    assert f"MemoryMax={shares.MEMORY}M\n" in shares.TRANSACTION
    assert "OOMPolicy=continue\n" in shares.TRANSACTION


def test_live_weighs_most() -> None:
    """The order of the environments is the same in each share, and live is the last that the kernel kills."""
    dev, staging, live = (settings(unit(Environment(name), {})) for name in ENVIRONMENTS)
    for key in ("CPUWeight", "IOWeight"):
        assert int(dev[key]) < int(staging[key]) < int(live[key])
    for key in ("OOMScoreAdjust", "Nice"):
        assert int(dev[key]) > int(staging[key]) > int(live[key])
    assert {each["Slice"] for each in (dev, staging, live)} == {"helionyx.slice"}


def test_configuration_says_other_shares() -> None:
    """Each key reaches its setting; the service is slowed down before it is at its limit."""
    found = settings(unit(DEV, GIVEN))
    assert (found["MemoryHigh"], found["MemoryMax"]) == ("896M", "1024M")
    assert (found["TasksMax"], found["LimitNPROC"]) == ("99", "99")
    assert (found["CPUWeight"], found["IOWeight"]) == ("77", "55")


def test_keys_without_a_value_leave_the_defaults() -> None:
    """The facts of a configuration hold every key, and None for one that is not set."""
    assert unit(DEV, dict.fromkeys(GIVEN)) == unit(DEV, {})


def test_plan_shows_another_share_as_another_unit() -> None:
    """Other units are what makes a deploy restart the service."""
    before, after = render(DEV, "3.11", CONFIG), render(DEV, "3.11", CONFIG | {"cpu_weight": 77})
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {DEV.service}
    lines = preview.units(
        {DEV.service: before[DEV.service].decode().splitlines()},
        {DEV.service: after[DEV.service].decode().splitlines()},
    )
    assert {"-CPUWeight=100", "+CPUWeight=77"} <= set(lines)


def test_rehearsal_weighs_least(layout: Layout) -> None:
    """Also that of live: less than any environment, and the first to be killed; its limits are the same."""
    live = layout.of("live")
    made = replace(release(layout), id="1-2", config=CONFIG)
    place = live.releases / made.id / "units"
    place.mkdir(parents=True)
    (place / live.service).write_text(unit(live, {}))
    (place / live.socket).write_text("")
    files = rehearsal.units(live, made)
    found = settings(next(text for path, text in files.items() if path.suffix == ".service").decode())
    dev, own = settings(unit(DEV, {})), settings(unit(live, {}))
    assert int(found["CPUWeight"]) < int(dev["CPUWeight"])
    assert int(found["IOWeight"]) < int(dev["IOWeight"])
    assert int(found["OOMScoreAdjust"]) > int(dev["OOMScoreAdjust"])
    same = ("Slice", "MemoryHigh", "MemoryMax", "TasksMax", "LimitNPROC", "Nice")
    assert [found[key] for key in same] == [own[key] for key in same]


def test_old_code_gets_the_shares_of_the_configuration_that_runs(layout: Layout) -> None:
    """Where its unit has shares: one of a release before them stays as it is."""
    old = replace(release(layout), config=CONFIG, units={DEV.service: "", DEV.socket: ""})
    for text in (unit(DEV, {}), "[Service]\nUser=helionyx-dev\nNice=3\n"):
        root = layout.of("dev").releases / str(len(text))
        (root / "units").mkdir(parents=True)
        (root / "units" / DEV.service).write_text(text)
        (root / "units" / DEV.socket).write_text(f"ListenStream={old.listen}\n")
        new = composed(root, DEV, old, replace(old, config=CONFIG | GIVEN))[DEV.service].decode()
        assert new == (unit(DEV, GIVEN) if shares.TITLE in text else text)


def test_transaction_has_limits(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    """It runs in the slice of all that belongs to Helionyx, and heavier than dev there."""
    started: list[str] = []
    monkeypatch.setattr(unit_of_transaction, "run", started.extend)
    monkeypatch.setattr(halves, "keep", lambda *_: Path("/half"))
    request = {"verb": "deploy", "environment": "dev", "actor": {"name": "Ada"}}
    transaction = record.create(layout, request)
    changing._start(transaction, Path("/half"))
    assert started == ["systemctl", "start", transaction.unit]
    found = settings(layout.unit_file(transaction.unit).read_text())
    assert found["Slice"] == shares.SLICE
    assert {"MemoryMax", "TasksMax"} <= set(found)
    assert int(found["CPUWeight"]) > shares.DEFAULTS["dev"].cpu


@pytest.mark.parametrize(
    ("files", "missing"),
    [
        ({"cgroup.controllers": "cpuset cpu io memory hugetlb pids\n"}, ()),
        ({"cgroup.controllers": "hugetlb\n"}, ("cpu", "io", "memory", "pids")),
        ({"cgroup.controllers": "cpu pids\n"}, ("io", "memory")),
        ({"cpu": "", "blkio": "", "memory": "", "systemd": ""}, ("pids",)),  # cgroup v1
    ],
)
def test_missing_controllers(tmp_path: Path, files: dict[str, str], missing: tuple[str, ...]) -> None:
    """Of cgroup v2 a file names those that are there, of cgroup v1 a directory each."""
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert vitals.missing_controllers(tmp_path) == missing


def test_doctor_names_shares_without_effect() -> None:
    """By the controllers that are missing, and by the keys that do nothing then."""
    assert rules.shares(()).level == OK
    found = rules.shares(("io", "memory"))
    assert found.level == WARN
    assert found.text.startswith("MEMORY_LIMIT, IO_WEIGHT have no effect")
    assert "cgroup v2 and io, memory;" in found.mend
