"""Time deploys of this tree beside an earlier version and a bare ssh, in turns. `make bench`.

Everything is timed from outside, as whole commands: `scripts/deploy/deploy.sh`, from its start to its exit,
without the seconds in which a rehearsed release soaks. Each version has a node1 of its own on this
machine. `python -m benchmarks.deploy PART ...` measures some parts alone.
"""

from __future__ import annotations

import functools
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import benchmarks.million as million
from deployment.settings import ROOT
from node1 import Node
from tests.e2e.operator import Operator, git

EARLIER = "37b2650"  # version 0.3.0
ROUNDS = 10
FIRSTS = 5
SOAK = 1.0  # seconds, which are taken off a code change
RELEASES = (1, 5, 20)
EVENTS = 1_000_000
UNIT = "helionyx-dev.service"
PARTS = ("turns", "first", "releases", "events")


class Person(Operator):
    """Somebody who logs in as ssh does by itself: the tests save time by a cheaper key exchange."""

    @property
    def environ(self) -> dict[str, str]:
        """The variables of the shell."""
        inherited = super().environ
        return {**inherited, "SSH_OPTIONS": f"{inherited['SSH_OPTIONS']} -o KexAlgorithms={exchanges()}"}


@dataclass(frozen=True)
class Contender:
    """One version of the project, as an operator uses it."""

    name: str
    project: Path
    operator: Operator

    def change(self, content: str) -> float:
        """Commit other code and return the seconds of its deploy."""
        self.operator.commit("services/changed.py", content)
        return seconds(lambda: self.operator.deploy("dev", SOAK=f"{SOAK:g}")) - SOAK

    def ready_after(self) -> float:
        """The seconds from exec to READY of the service that runs, by systemd's clock."""
        names = ("ExecMainStartTimestampMonotonic", "ActiveEnterTimestampMonotonic")
        shown = self.operator.on_node("systemctl", "show", f"--property={','.join(names)}", UNIT)
        values = dict(line.split("=", 1) for line in shown.splitlines())
        return (int(values[names[1]]) - int(values[names[0]])) / 1e6


def main(parts: list[str]) -> None:
    """Measure and print a line for each figure."""
    if unknown := sorted(set(parts) - set(PARTS)):
        raise SystemExit(f"unknown part {unknown[0]}; one of {', '.join(PARTS)}")
    parts = parts or list(PARTS)
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch)
        projects = {EARLIER: _earlier(directory / "earlier"), "this tree": ROOT}
        if "first" in parts:
            _firsts(directory, projects)
        if "turns" in parts:
            _turns(directory, projects)
        with Node.boot("bench", directory / "node") as node:
            here = Contender("this tree", ROOT, Person.at(directory / "checkout", node))
            here.operator.deploy("dev")
            if "releases" in parts:
                _releases(here)
            if "events" in parts:
                _events(here, directory / "store")


def _earlier(directory: Path) -> Path:
    """A checkout of the earlier version with a .venv of its own. Needs a clone that holds that commit."""
    run(["git", "clone", "--quiet", "--shared", "--no-checkout", str(ROOT), str(directory)])
    git(directory, "checkout", "--quiet", EARLIER)
    run(["scripts/setup.sh", "--quiet"], cwd=directory)
    return directory


def _firsts(directory: Path, projects: dict[str, Path]) -> None:
    """Fresh nodes and fresh checkouts; the wheels are in the cache of uv."""
    took: dict[str, list[float]] = {name: [] for name in projects}
    for number in range(FIRSTS):
        for name, project in projects.items():
            own = directory / f"first-{project.name}-{number}"
            with Node.boot("bench-first", own / "node") as node:
                operator = Person.at(own / "checkout", node, project)
                took[name].append(seconds(partial(operator.deploy, "dev")))
    _compare("first deploy", took)


def _turns(directory: Path, projects: dict[str, Path]) -> None:
    """Deploy both versions and alternate between them, first with an empty log, then with a message.

    0.3.0 looks longer at an environment without messages.
    """
    with ExitStack() as nodes:
        contenders = []
        for number, (name, project) in enumerate(projects.items()):
            node = nodes.enter_context(Node.boot(f"bench-{number}", directory / f"node-{number}"))
            checkout = directory / f"checkout-{number}"
            contenders.append(Contender(name, project, Person.at(checkout, node, project)))
            contenders[-1].operator.deploy("dev")
        _rounds(contenders, "empty log")
        for contender in contenders:
            contender.operator.tell("dev", ["somebody has said something"])
        _rounds(contenders, "one message")


def _rounds(contenders: list[Contender], condition: str) -> None:
    """Each round: a bare ssh, and of each version a code change, nothing to do, and a restart."""
    bare: list[float] = []
    took: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for number in range(ROUNDS):
        for contender in contenders:
            operator = contender.operator
            bare.append(seconds(partial(_ssh, operator)))
            took["code change"][contender.name].append(contender.change(f"{condition!r}, {number}\n"))
            took["nothing to do"][contender.name].append(seconds(partial(operator.deploy, "dev")))
            took["restart"][contender.name].append(seconds(partial(operator.change, "restart", "dev")))
            took["exec to READY"][contender.name].append(contender.ready_after())
    print(f"{f'ssh NODE true, {condition}':<44} {formatted(bare)}", flush=True)
    for kind, durations in took.items():
        _compare(kind, durations, bare)


def _releases(here: Contender) -> None:
    """Print the times with more and more kept releases."""
    count = 1
    for wanted in RELEASES:
        while count < wanted:
            here.operator.commit("services/changed.py", f"RELEASE = {count}\n")
            here.operator.deploy("dev", KEEP=str(max(RELEASES)))
            count += 1
        nothing = times(ROUNDS, lambda: here.operator.deploy("dev"))
        restart = times(ROUNDS, lambda: here.operator.change("restart", "dev"))
        kept = len(here.operator.status("dev")["releases"])
        print(f"{f'nothing to do, {kept} kept':<44} {formatted(nothing)}", flush=True)
        print(f"{f'restart, {kept} kept':<44} {formatted(restart)}", flush=True)


def _events(here: Contender, store: Path) -> None:
    """Print the times with an empty log and with a million events."""
    for events in (0, EVENTS):
        if events:
            million.fill(store, events)
            here.operator.change("restore", "dev", BACKUP=str(store / "events.db"))
        nothing = times(ROUNDS, lambda: here.operator.deploy("dev"))
        restart = times(ROUNDS, lambda: here.operator.change("restart", "dev"))
        changed = [here.change(f"EVENTS = {events + number}\n") for number in range(ROUNDS)]
        for kind, durations in (("nothing to do", nothing), ("restart", restart), ("code change", changed)):
            print(f"{f'{kind}, {events:,} events':<44} {formatted(durations)}", flush=True)


def _compare(kind: str, took: dict[str, list[float]], bare: list[float] | None = None) -> None:
    """Print a line for each version; the last one's median beside the first one's, and beside ssh's."""
    first = statistics.median(next(iter(took.values())))
    for name, durations in took.items():
        median = statistics.median(durations)
        ratio = f", {median / statistics.median(bare):.2f} x ssh" if bare else ""
        ratio += f", {median / first:.0%} of {EARLIER}" if name != EARLIER else ""
        print(f"{f'{kind}, {name}':<44} {formatted(durations)}{ratio}", flush=True)


def _ssh(operator: Operator) -> None:
    environ = operator.environ
    run(["ssh", *shlex.split(environ["SSH_OPTIONS"]), environ["NODE"], "true"])


@functools.cache
def exchanges() -> str:
    """The key exchanges that ssh offers without a configuration, in its order."""
    done = subprocess.run(
        ["ssh", "-G", "-F", "none", "node"], capture_output=True, text=True, check=True, timeout=30
    )
    lines = (line.split(" ", 1) for line in done.stdout.splitlines())
    return next(line[1] for line in lines if line[0] == "kexalgorithms")


def run(argv: list[str], cwd: Path | None = None) -> None:
    """Run a command that has to succeed."""
    subprocess.run(argv, check=True, timeout=300, stdin=subprocess.DEVNULL, cwd=cwd)


def seconds(action: Callable[[], object]) -> float:
    """The seconds that an action takes."""
    started = time.monotonic()
    action()
    return time.monotonic() - started


def times(count: int, action: Callable[[], object]) -> list[float]:
    """The seconds of each of `count` runs."""
    return [seconds(action) for _ in range(count)]


def formatted(durations: list[float]) -> str:
    """The median, the range and the number of measurements."""
    low, high = min(durations), max(durations)
    return f"{statistics.median(durations):5.2f} s  ({low:.2f} to {high:.2f}, n={len(durations)})"


if __name__ == "__main__":
    main(sys.argv[1:])
