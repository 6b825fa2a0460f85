"""States that many tests begin with. Each is made once, by the first worker that needs it, then copied."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from node1 import Node
from node1.lock import locked

from . import back_door
from .operator import LIMIT, Operator

MAKING_SECONDS = 240
# As many nodes boot at once as there are cores: a boot that is starved of them looks like one that hangs.
BOOTS_AT_ONCE = os.cpu_count() or 1


@dataclass(frozen=True)
class States:
    """The states, kept in a directory that all workers of a run share."""

    shared: Path
    worker: int

    @classmethod
    def of_run(cls, factory: pytest.TempPathFactory) -> States:
        """The states of this run of the tests."""
        own = factory.getbasetemp()
        worker = os.environ.get("PYTEST_XDIST_WORKER", "")
        shared = own.parent if worker else own
        return cls(shared, int(worker.removeprefix("gw") or 0))

    def boot(self, name: str, directory: Path, over: Path | None = None) -> Node:
        """Boot a node, when there is a core for it."""
        slot = self.shared / f"boot-{self.worker % BOOTS_AT_ONCE}.lock"
        with locked(slot, timeout=MAKING_SECONDS):
            return Node.boot(name, directory, over=over)

    def checkout(self, root: Path) -> None:
        """Copy the project as it stands, in a repository of its own, to `root`."""
        copy(self._made("checkout", Operator.prepare), root)

    def deployed(self, *environments: str) -> Deployed:
        """The state right after these environments were deployed."""
        return Deployed(self._made("-".join(environments), lambda place: self._deploy(place, environments)))

    def breached(self) -> Deployed:
        """The state with all environments, where the release of dev has a back door."""
        return Deployed(self._made("breached", self._breach))

    def _made(self, name: str, make: Callable[[Path], None]) -> Path:
        place = self.shared / name
        with locked(self.shared / f"{name}.lock", timeout=MAKING_SECONDS):
            if not place.exists():
                unfinished = self.shared / f"{name}.new"
                shutil.rmtree(unfinished, ignore_errors=True)  # of an attempt that failed
                make(unfinished)
                unfinished.rename(place)
        return place

    def _deploy(self, place: Path, environments: tuple[str, ...]) -> None:
        """Deploy the last of these environments to a node where the others run already."""
        *others, last = environments
        before = self.deployed(*others) if others else None
        place.mkdir()
        with self.boot("e2e-state", place / "node", before.snapshot if before else None) as node:
            if before:
                operator = before.operator(node, place / "checkout")
            else:
                self.checkout(place / "checkout")
                operator = Operator(place / "checkout", node)
            results = before.results if before else {}
            keep(place, node, results | {last: operator.deploy(last)})

    def _breach(self, place: Path) -> None:
        before = self.deployed("dev", "staging", "live")
        place.mkdir()
        with self.boot("e2e-state", place / "node", before.snapshot) as node:
            operator = before.operator(node, place / "checkout")
            back_door.commit(operator)
            keep(place, node, before.results | {"dev": operator.deploy("dev")})


@dataclass(frozen=True)
class Deployed:
    """A snapshot of a node, and the checkout that was deployed to it: a second deploy has nothing to do."""

    place: Path

    @property
    def snapshot(self) -> Path:
        """The snapshot that nodes boot over."""
        return self.place / "snapshot"

    @property
    def results(self) -> dict[str, dict[str, Any]]:
        """The result of the deploy of each environment."""
        results: dict[str, dict[str, Any]] = json.loads((self.place / "results.json").read_text())
        return results

    def operator(self, node: Node, root: Path) -> Operator:
        """The person who has deployed this, on a node that was booted over the snapshot."""
        copy(self.place / "checkout", root)
        operator = Operator(root, node)
        for environment in self.results:
            operator.await_ready(environment)
        return operator


def keep(place: Path, node: Node, results: dict[str, dict[str, Any]]) -> None:
    """Keep what a node holds now, and the result of the deploy of each environment, as a state."""
    node.snapshot(place / "snapshot")
    (place / "results.json").write_text(json.dumps(results))


def copy(source: Path, target: Path) -> None:
    """Copy a checkout with its times, by which git sees that nothing has changed."""
    subprocess.run(["cp", "--archive", source, target], check=True, timeout=LIMIT)
