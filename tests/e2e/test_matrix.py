"""Every phase of every change, cut by every fault: one whole release serves afterwards, and nothing is lost.

The phases are the steps of the planner's own cases, so that a new step brings its cases along. The clock of a
node is that of this machine: a clock that is set back is in `tests/deployment/host/records/test_record.py`.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from deployment.host.values.step import Step
from deployment.settings import ROOT

from .faults import fault
from .operator import Operator
from .small_disk import filled, small_disk
from .states import States

PLANS = ROOT / "tests/deployment/host/plan/plans"
NOT_HERE = {"install-layer", "prune-layers", "soak"}  # the layer is that of dev, and nothing soaks
CHANGES = {
    "first deploy": "first_deploy",
    "update": "bridge_code_change",
    "rollback": "bridge_code_change",
    "restart": "bridge_restart",
    "restore": "restore",
    "remove": "remove_with_data",
}
"""The changes, each with the planner's case of it."""
STAGING = ("first deploy", "remove")  # the changes that are tried on staging; the others on dev
SAMPLE = {("restore", "switch-log", "power cut")}
MEGABYTES = 640  # of the disk: each case leaves some lines in journals, logs and records
SECONDS = 60  # until a node that was booted has ended the change
NUMBERS = count(1)
LEFT = (
    "find /run/systemd/system /etc/systemd"
    " -name '*rehearsal*' -o -name '*acceptance*' -o -name '*-next*' -o -name 'helionyx-deploy-*';"
    " find /var/lib/helionyx-sandbox -name '*.copy';"
    " find /var/lib/helionyx-deploy/transactions -name '*.tar.gz' -o -name '*.db';"
    " find /opt/helionyx -name '.*.half' -o -name '.*.new'"
)
"""Shows what a change that has ended leaves nowhere."""


def phases(change: str) -> list[str]:
    """The steps of a change, in the order of its plan, and its beginning."""
    steps = json.loads((PLANS / f"{CHANGES[change]}.json").read_text())["steps"]
    verbs = [step.split(" ")[0] for step in steps]
    skipped = NOT_HERE | ({"install-release"} if change == "rollback" else set())
    return ["attempt", *dict.fromkeys(verb for verb in verbs if verb not in skipped)]


def words_of(phase: str) -> str:
    """The words of a record when a phase begins."""
    return '"event": "attempt"' if phase == "attempt" else f'"state": "begin", "title": "{Step(phase).title}'


@pytest.fixture(scope="module")
def node(states: States, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """A person who has deployed dev twice to a node with a small disk: one node for the cases of a change."""
    deployed, directory = states.deployed("dev"), tmp_path_factory.mktemp("matrix")
    with (
        small_disk(directory / "disk", MEGABYTES) as disk,
        states.boot("e2e-matrix", disk / "node", deployed.snapshot) as booted,
    ):
        operator = deployed.operator(booted, directory / "checkout")
        update(operator)
        yield operator
    shutil.rmtree(directory / "checkout")


def update(operator: Operator) -> None:
    """Deploy another release of dev."""
    operator.commit("services/changed.py", f"CHANGE = {next(NUMBERS)}\n")
    operator.deploy("dev")


@contextmanager
def watched(operator: Operator, words: str) -> Iterator[Callable[[], None]]:
    """A function that returns as soon as the record of the next transaction says the words."""
    program = (Path(__file__).parent / "watcher.py").read_text()
    command = [*operator.node.ssh_command(), shlex.join(["python3", "-c", program, words])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watcher:
        assert watcher.stdout is not None
        assert watcher.stdout.readline() == "waiting\n"

        def wait() -> None:
            assert watcher.stdout is not None
            assert watcher.stdout.readline() == "now\n", f"no record said {words}"

        yield wait
        watcher.kill()


def kill_client(_: Operator, client: subprocess.Popen[str]) -> None:
    os.killpg(client.pid, signal.SIGKILL)


def cut_connection(_: Operator, client: subprocess.Popen[str]) -> None:
    for child in Path(f"/proc/{client.pid}/task/{client.pid}/children").read_text().split():
        if Path(f"/proc/{child}/comm").read_text() == "ssh\n":
            os.kill(int(child), signal.SIGKILL)


def kill_transaction(operator: Operator, _: subprocess.Popen[str]) -> None:
    operator.on_node("sh", "-c", "systemctl kill --signal=KILL 'helionyx-deploy-*.service' || true")


def reboot(operator: Operator, _: subprocess.Popen[str]) -> None:
    operator.node.reboot()


def cut_power(operator: Operator, _: subprocess.Popen[str]) -> None:
    operator.node.power_cut()


FAULTS: dict[str, Callable[[Operator, subprocess.Popen[str]], None] | None] = {
    "client killed": kill_client,
    "connection cut": cut_connection,
    "transaction killed": kill_transaction,
    "reboot": reboot,
    "power cut": cut_power,
    "disk full": None,  # filled while the change goes on
}


def cases() -> Iterator[object]:
    """Each change, phase and fault."""
    for change in CHANGES:
        for phase in phases(change):
            for name in FAULTS:
                case = (change, change, phase, name)
                label = "-".join(case[1:])
                yield (pytest.param(*case, id=label) if case[1:] in SAMPLE else fault(*case, name=label))


class Writer:
    """Somebody who goes on writing to dev, and remembers each message that was acknowledged."""

    def __init__(self, operator: Operator) -> None:
        self.acknowledged: list[str] = []
        self._operator, self._end = operator, threading.Event()
        self._thread = threading.Thread(target=self._write)

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _write(self) -> None:
        while not self._end.wait(0.05):
            text = f"acknowledged {next(NUMBERS)}."
            try:
                status, _ = self._operator.ask("dev", "/api/v1/messages", {"text": text})
            except OSError:
                continue
            if status == 201:
                self.acknowledged.append(text)


def prepare(operator: Operator, change: str) -> tuple[list[str], dict[str, str]]:
    """Bring about the state that a change begins with; return its command and its variables."""
    is_there = operator.status("staging")["state"] != "absent"
    if change == "first deploy":
        if is_there:
            operator.change("remove", "staging", DATA="delete", CONFIRM="staging")
        return ["deploy", "staging"], {}
    if change == "remove":
        if not is_there:
            operator.deploy("staging")
        return ["remove", "staging"], {"DATA": "delete", "CONFIRM": "staging"}
    if change == "update":
        operator.commit("services/changed.py", f"CHANGE = {next(NUMBERS)}\n")
        return ["deploy", "dev"], {}
    if change == "restart":
        return ["restart", "dev"], {}
    if change == "rollback":
        update(operator)
        return ["rollback", "dev"], {}
    operator.on_node("rm", "-rf", "/var/lib/helionyx/dev/kept")  # of the cases before: the disk is small
    file = operator.root / "data.backup"
    file.unlink(missing_ok=True)
    operator.change("backup", "dev", TO=str(file))
    operator.tell("dev", ["newer than the backup"])
    return ["restore", "dev"], {"BACKUP": str(file)}


def carry_out(operator: Operator, words: str, name: str, argv: list[str], environ: dict[str, str]) -> None:
    """Carry a change out, with a fault as soon as its record says the words."""
    script = [f"scripts/deploy/{argv[0]}.sh", argv[1]]
    patient = {**environ, "SSH_OPTIONS": f"{operator.environ['SSH_OPTIONS']} -o ServerAliveInterval=1"}
    happen = FAULTS[name]
    if happen is None:
        with filled(operator, words, kept=True):
            operator.run(*script, **environ)
        return
    with (
        watched(operator, words) as wait,
        operator.start(*script, stdin=subprocess.DEVNULL, **patient) as client,
    ):
        wait()
        happen(operator, client)
        try:
            client.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            client.kill()


def await_room(operator: Operator) -> None:
    """Wait until dev records again."""
    operator.await_ready("dev")
    end = time.monotonic() + SECONDS
    while json.loads(operator.ask("dev", "/health/ready")[1])["disk"] is not None:
        assert time.monotonic() < end
        time.sleep(0.1)


def ended(operator: Operator, environment: str) -> dict[str, Any]:
    """The status of an environment once the node has ended the change, with nobody typing anything."""
    end = time.monotonic() + SECONDS
    while True:
        status = operator.status(environment)
        if status["changing"] is None and not status["unfinished"]:
            return status
        assert time.monotonic() < end, status


def release_in_history(operator: Operator, environment: str) -> str | None:
    """The release that the last change of an environment has left, as the audit has it."""
    history = operator.script("history", environment, "--json")
    assert history.returncode == 0, history.stderr
    release: str | None = json.loads(history.stdout)["changes"][-1]["after"]
    return release


@pytest.mark.parametrize(("node", "change", "phase", "name"), list(cases()), indirect=["node"])
def test_a_change_that_is_cut(node: Operator, change: str, phase: str, name: str) -> None:
    """Either release serves, verified; the history is true, the lock is free, nothing is left or lost."""
    node.await_ready("dev")
    environment = "staging" if change in STAGING else "dev"
    argv, environ = prepare(node, change)
    position = node.log("dev")["length"]
    with Writer(node) as writer:
        carry_out(node, words_of(phase), name, argv, environ)
    if name == "disk full":  # dev notices within seconds that there is room again
        await_room(node)
    status = ended(node, environment)
    verified = node.script("verify", environment, XDG_STATE_HOME=str(node.root / "state"))
    assert verified.returncode == 0, verified.stdout
    assert status["state"] in ("running", "absent") if change in STAGING else status["state"] == "running", (
        status
    )
    if status["state"] == "running":
        node.await_ready(environment)
        served = node.health(environment)["release"]
        assert served == release_in_history(node, environment) == status["release"]
    assert node.on_node("sh", "-c", LEFT) == ""
    node.await_ready("dev")
    if change != "restore":  # which archives what is newer than the backup
        events = node.ask("dev", f"/api/v1/events?after={position}&limit=1000")[1].decode()
        assert [text for text in writer.acknowledged if events.count(text) != 1] == []
    again = node.script(*argv, **environ) if change != "rollback" else node.script("deploy", "dev")
    assert again.returncode == 0, again.stdout + again.stderr
