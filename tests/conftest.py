"""Settings of all tests: the workers, and the tests left out where no node can boot."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from node1 import Node1Error, Way, host

pytest_plugins = ["tests.schedule", "tests.node_logs"]

LEFT_OUT = pytest.StashKey[int]()
REASONS = pytest.StashKey[dict[Way, str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Ask once whether a node can boot here."""
    # Let Ctrl-C reach what the tests start, also in the background of a shell, which ignores it.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.stash[LEFT_OUT] = 0
    config.stash[REASONS] = {way: _reason(way) for way in Way}


def _reason(way: Way) -> str:
    """The reason why no node of this way can boot here; empty if one can."""
    try:
        host.require(way)
    except Node1Error as error:
        return f"{error.message}; {error.hint}"
    return ""


def _way(item: pytest.Item) -> Way:
    """The way that the node of a test boots in."""
    return Way.MACHINE if item.get_closest_marker("vm") else Way.CONTAINER


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say at the start that no node can boot here."""
    reason = config.stash[REASONS][Way.CONTAINER]
    return [f"without end-to-end tests: {reason}"] if reason else []


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Drop the chosen end-to-end tests where no node can boot."""
    reasons = config.stash[REASONS]
    left_out = [item for item in items if item.get_closest_marker("e2e") and reasons[_way(item)]]
    items[:] = [item for item in items if item not in left_out]
    config.stash[LEFT_OUT] = len(left_out)
    config.hook.pytest_deselected(items=left_out)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell the controller, which collects nothing itself, how many tests this worker has left out."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left_out"] = session.config.stash[LEFT_OUT]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take the count from a worker: all workers collect the same tests."""
    left_out = getattr(node, "workeroutput", {}).get("left_out", 0)
    node.config.stash[LEFT_OUT] = max(left_out, node.config.stash[LEFT_OUT])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say at the end how many tests were left out, and how many fault cases were tried and held."""
    if config.option.markexpr == "faults":
        held, *others = (len(terminalreporter.getreports(name)) for name in ("passed", "failed", "error"))
        terminalreporter.write_line(f"{held + sum(others)} fault cases tried, {held} held")
    if config.stash[LEFT_OUT]:
        count, reason = config.stash[LEFT_OUT], config.stash[REASONS][Way.CONTAINER]
        terminalreporter.write_line(f"{count} end-to-end tests were left out: {reason}", yellow=True)
