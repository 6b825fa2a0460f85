"""Spread the tests over the workers of pytest-xdist: the longest first, as `durations.json` has them.

A *scope* is what one worker runs in one go. A test that takes `ALONE` seconds or more is a scope of its own:
no module becomes the longest path. The rest of its file is another scope. The files in `TOGETHER` share a
node, a checkout or a browser that is costly to prepare, and each of them is one scope. No test may need
another one to have run.

A missing or outdated duration costs balance and nothing else. `pytest -n auto --record-durations` writes them
anew.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from xdist.remote import Producer

DURATIONS = Path(__file__).parent / "durations.json"
ALONE = 3.0  # seconds
RECORDED = 0.5  # seconds: faster tests are not worth a line
UNKNOWN = 0.05  # seconds
LONG = 0.7  # seconds: `--quick` leaves such tests out
MOST_WORKERS = 8
NODES = ("tests/e2e/", "tests/node1/")
TOGETHER = frozenset(
    {
        "tests/e2e/test_bots.py",
        "tests/e2e/test_full_disk.py",
        "tests/e2e/test_lies.py",
        "tests/e2e/test_life.py",
        "tests/e2e/test_locks.py",
        "tests/e2e/test_odd_files.py",
        "tests/e2e/test_processes.py",
        "tests/e2e/test_refusals.py",
        "tests/e2e/test_rollback.py",
        "tests/e2e/test_sandbox.py",
        "tests/services/web/test_pages.py",
        "tests/services/web/test_safety.py",
        "tests/test_ci_catches.py",
    }
)


def load() -> dict[str, float]:
    """The recorded seconds of each test that takes long enough to be recorded."""
    recorded: dict[str, float] = json.loads(DURATIONS.read_text())
    return recorded


def scope_of(test: str, durations: dict[str, float]) -> str:
    """The scope that a test belongs to: itself or its file."""
    file = test.partition("::")[0]
    is_long = durations.get(test, UNKNOWN) >= ALONE
    return test if is_long and file not in TOGETHER else file


def order(tests: Sequence[str], durations: dict[str, float], workers: int) -> dict[str, list[str]]:
    """The tests by scope, the longest scope first.

    The first node tests wait until the base root and the shared snapshots are made, which takes one worker
    alone: the others begin with scopes that need no node.
    """
    scopes: dict[str, list[str]] = defaultdict(list)
    seconds: dict[str, float] = defaultdict(float)
    for test in tests:
        scope = scope_of(test, durations)
        scopes[scope].append(test)
        seconds[scope] += durations.get(test, UNKNOWN)
    longest_first = sorted(scopes, key=lambda scope: -seconds[scope])
    on_nodes = [scope for scope in longest_first if scope.startswith(NODES)]
    elsewhere = [scope for scope in longest_first if not scope.startswith(NODES)]
    first = on_nodes[:1] + elsewhere[: workers - 1]
    rest = [scope for scope in longest_first if scope not in first]
    return {scope: scopes[scope] for scope in first + rest}


class LongestFirst(LoadScopeScheduling):  # type: ignore[misc]
    """xdist's distribution by scopes, with the scopes and the order of this module."""

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        super().__init__(config, log)
        self.durations = load()
        self.is_ordered = False

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid, self.durations)

    def _assign_work_unit(self, node: Any) -> None:
        # The first unit is assigned once the queue is filled, and not before.
        if not self.is_ordered:
            self._reorder()
        super()._assign_work_unit(node)

    def _reorder(self) -> None:
        tests = [test for unit in self.workqueue.values() for test in unit]
        for scope in order(tests, self.durations, len(self.nodes)):
            self.workqueue.move_to_end(scope)
        self.is_ordered = True


class Recorder:
    """Add up the seconds of each test's setup, call and teardown, and write them down at the end."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count one phase of one test."""
        self.seconds[report.nodeid] += report.duration

    def pytest_sessionfinish(self) -> None:
        """Replace what is known of the tests that ran; the others keep their line."""
        durations = {test: value for test, value in load().items() if test not in self.seconds}
        for test, value in self.seconds.items():
            if value >= RECORDED:
                durations[test] = round(value, 1)
        DURATIONS.write_text(json.dumps(durations, indent=0, sort_keys=True) + "\n")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--record-durations` and `--quick`."""
    group = parser.getgroup("xdist")
    text = "write how long each test took into tests/durations.json"
    group.addoption("--record-durations", action="store_true", help=text)
    text = f"without tests that boot a node, that take {LONG} s or more, or that are one more fault of many"
    group.addoption("--quick", action="store_true", help=text)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Drop slow tests, tests of a node and fault cases if `--quick` is given."""
    if not config.getoption("--quick"):
        return
    durations = load()
    quick = [item for item in items if _is_quick(item, durations)]
    config.hook.pytest_deselected(items=[item for item in items if item not in quick])
    items[:] = quick


def _is_quick(item: pytest.Item, durations: dict[str, float]) -> bool:
    on_a_node = item.get_closest_marker("e2e")
    is_fault = item.get_closest_marker("faults")
    return not on_a_node and not is_fault and durations.get(item.nodeid, UNKNOWN) < LONG


def pytest_configure(config: pytest.Config) -> None:
    """Record where that was asked for: in the process that hears of every test."""
    is_worker = hasattr(config, "workerinput")
    if config.getoption("--record-durations") and not is_worker:
        config.pluginmanager.register(Recorder())


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LongestFirst:
    """Hand the tests out in the order of this module."""
    return LongestFirst(config, log)


def pytest_xdist_auto_num_workers() -> int | None:
    """Count the workers of `-n auto`: two for each core, since tests of a node wait as much as they work.

    The variable that xdist reads counts more.
    """
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(2 * cores, MOST_WORKERS)
