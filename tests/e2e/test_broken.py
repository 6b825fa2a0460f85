"""Everything that can be wrong with a release, as a first deploy and as an update of one that serves."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from deployment.settings import ROOT

from .faults import fault
from .operator import EXITS, RUNNER, Operator, git

SERVING = "services/api/serving.py"
LATER = "asyncio.get_running_loop().call_later"
UNITS, HEALTH, BOOTSTRAP = "deployment/build/units.py", "services/api/health.py", "services/bootstrap.py"
RECORDER, DATABASE = "services/recorder.py", "services/projections/database.py"
SERVICE = "services/service.py"
READY = 'notify("READY=1"'
CONFIGURED = "        set_up(os.environ, config.log_level, secrets)\n"


@dataclass(frozen=True)
class Kind:
    """One way to be broken: how a commit brings it about, and what the deploy says of it."""

    spoil: Callable[[Operator], None]
    step: str
    said: str
    soak: str = "0"


def _hang(operator: Operator) -> None:
    operator.edit(UNITS, "TimeoutStartSec=30", "TimeoutStartSec=3")
    operator.edit(SERVING, "    await server.serving.wait()\n", "    await asyncio.sleep(3600)\n")


def _forget_a_dependency(operator: Operator) -> None:
    pyproject = operator.root / "pyproject.toml"
    lines = [line for line in pyproject.read_text().splitlines() if '"msgspec' not in line]
    pyproject.write_text("\n".join(lines) + "\n")
    subprocess.run([ROOT / ".venv/bin/uv", "lock", "--quiet"], cwd=operator.root, check=True, timeout=120)
    operator.commit("services/changed.py", "", "Depend on less")


KINDS = {
    "cannot import": Kind(
        lambda operator: operator.commit(RUNNER, "import a_module_that_is_not_there\n"),
        "rehearse",
        "a_module_that_is_not_there",
    ),
    "exits at once": Kind(lambda operator: operator.commit(RUNNER, EXITS), "rehearse", "broken on purpose"),
    "exits after 2 s": Kind(
        lambda operator: operator.edit(
            SERVING, f"    {READY}", f"    import os\n    {LATER}(2, os._exit, 7)\n    {READY}"
        ),
        "soak 3 s",
        "ended by itself",
        soak="3",
    ),
    "hangs before it is ready": Kind(_hang, "rehearse", "did not come up"),
    "is ready but answers 500": Kind(
        lambda operator: operator.edit(
            HEALTH, "        reason = service.not_ready\n", "        reason = service.not_ready.upper()\n"
        ),
        "rehearse",
        "status is 500",
    ),
    "answers as another release": Kind(
        lambda operator: operator.edit(BOOTSTRAP, 'variables.get("HELIONYX_RELEASE")', '"somebody"'),
        "rehearse",
        "release is 'somebody'",
    ),
    "answers as another environment": Kind(
        lambda operator: operator.edit(
            BOOTSTRAP, '"helionyx", config.environment', '"helionyx", "elsewhere"'
        ),
        "rehearse",
        "environment is 'elsewhere'",
    ),
    "refuses to stop": Kind(
        lambda operator: operator.edit(
            SERVING, "        server.stop()\n        application", "        application"
        ),
        "end rehearsal",
        "does not stop",
    ),
    "has a unit that systemd rejects": Kind(
        lambda operator: operator.edit(UNITS, "ExecStart=/usr/bin", "ExecStart=usr/bin"),
        "rehearse",
        "did not come up",
    ),
    "lacks a dependency": Kind(_forget_a_dependency, "rehearse", "No module named 'msgspec'"),
    "cannot append": Kind(
        lambda operator: operator.edit(RECORDER, "storage.log.append_each(", "storage.log.append_none("),
        "end rehearsal",
        "append_none",
    ),
    "enters events wrongly": Kind(
        lambda operator: operator.edit(
            DATABASE, "enter(self._connection, events)", "enter(self._connection, events[:1])"
        ),
        "end rehearsal",
        "failed on a copy of the log",
    ),
    "loses an idempotency key": Kind(
        lambda operator: operator.edit(
            SERVICE, "draft_of(events[0], idempotency_key)", "draft_of(events[0])"
        ),
        "end rehearsal",
        "POST /api/v1/messages: expected status 200, got 201",
    ),
    "rejects its configuration": Kind(
        lambda operator: operator.edit(
            RUNNER, CONFIGURED, f'{CONFIGURED}        raise HelionyxError("no such port for me")\n'
        ),
        "rehearse",
        "no such port for me",
    ),
}


def kinds(*sample: str) -> list[object]:
    """All kinds, of which `make test` runs the sample."""
    in_sample = [pytest.param(KINDS[name], id=name) for name in sample]
    return in_sample + [fault(kind, name=name) for name, kind in KINDS.items() if name not in sample]


@contextmanager
def asked_all_the_time(operator: Operator, environment: str) -> Iterator[set[str]]:
    """Ask who answers, again and again; the answers, errors among them, are gathered."""
    answers: set[str] = set()
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            try:
                answers.add(str(operator.health(environment)["release"]))
            except (OSError, ValueError) as error:
                answers.add(str(error))
            time.sleep(0.02)

    caller = threading.Thread(target=ask)
    caller.start()
    try:
        yield answers
    finally:
        stop.set()
        caller.join()


def deploy(operator: Operator, environment: str, kind: Kind) -> tuple[int, str]:
    """Deploy a broken commit, and go back to the one before; the exit code and the output.

    Scripts that follow would bring the packages of this checkout, which all tests share, up to another lock.
    """
    head = git(operator.root, "rev-parse", "HEAD").strip()
    kind.spoil(operator)
    done = operator.deploy_as_is(environment, SOAK=kind.soak)
    git(operator.root, "reset", "--quiet", "--hard", head)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("kind", kinds("exits after 2 s", "refuses to stop", "loses an idempotency key"))
def test_update_is_not_noticed(dev: Operator, kind: Kind) -> None:
    """The earlier release answers throughout, in the same process, and its data is whole."""
    dev.tell("dev", ["before the broken one"])
    before, events = dev.status("dev"), dev.events("dev")
    with asked_all_the_time(dev, "dev") as answers:
        code, said = deploy(dev, "dev", kind)
    assert code == 3, said
    assert f"  {kind.step}: failed" in said, said
    assert kind.said in said
    assert said.splitlines()[-1].endswith("exit 3: failed, and everything is as it was")
    assert answers == {before["release"]}
    after = dev.status("dev")
    assert (after["pid"], after["state"]) == (before["pid"], "running")
    assert after["releases"] == before["releases"], "the broken one does not stay"
    assert dev.events("dev") == events
    rehearsed = "/run/systemd/system/helionyx* /run/helionyx-deploy/*.[sj]* /var/lib/helionyx-sandbox/*.copy"
    assert not dev.node.run(["sh", "-c", f"ls -d {rehearsed}"]).stdout


@pytest.mark.parametrize("kind", kinds("rejects its configuration"))
def test_first_deploy_leaves_nothing(dev: Operator, kind: Kind) -> None:
    """No unit, no user, no release, no dependencies and no data of an environment that never came up."""
    places = (
        "ls -A /opt/helionyx /opt/helionyx/layers /var/lib/helionyx /etc/systemd/system /run/systemd/system"
    )
    before = dev.on_node("sh", "-c", places)
    code, said = deploy(dev, "staging", kind)
    assert code == 3, said
    assert kind.said in said
    assert dev.status("staging")["state"] == "absent"
    assert dev.on_node("sh", "-c", places) == before
    assert "helionyx-staging" not in dev.on_node("cat", "/etc/passwd", "/etc/group")
    assert "helionyx-staging" not in dev.on_node("systemctl", "list-units", "--all", "helionyx*")


def test_rehearsal_that_was_left_behind_is_told_and_cleared(dev: Operator) -> None:
    """As after a transaction that was killed for good: status names it, the next deploy ends it."""
    unit = "/run/systemd/system/helionyx-dev-rehearsal"
    dev.on_node("sh", "-c", f"printf '[Service]\\nExecStart=/bin/sleep 900\\n' > {unit}.service")
    dev.on_node("sh", "-c", f"printf '[Socket]\\nListenStream=/run/left.sock\\n' > {unit}.socket")
    trial, copy = "/run/systemd/system/helionyx-dev-acceptance.service", "/var/lib/helionyx-sandbox/dev.copy"
    dev.on_node("sh", "-c", f"printf '[Service]\\nExecStart=/bin/sleep 900\\n' > {trial}; mkdir {copy}")
    bridge = trial.replace("acceptance", "next")
    dev.on_node("cp", trial, bridge)
    started = [f"helionyx-dev-{kind}.service" for kind in ("rehearsal", "acceptance", "next")]
    dev.on_node("systemctl", "start", *started)
    before = dev.status("dev")
    assert "left of a rehearsal" in before["problems"][0]
    assert "helionyx-dev-next.service is left of a switch" in before["problems"][1]
    assert dev.deploy("dev")["outcome"] == "done"
    after = dev.status("dev")
    assert (after["problems"], after["pid"]) == ([], before["pid"])
    units = dev.on_node("systemctl", "list-units", "--all", "helionyx*")
    assert not [unit for unit in started if unit in units]
    assert not dev.node.run(["ls", trial, copy, bridge]).stdout
