"""How long deploys take on a node1 of this machine, beside a bare ssh; and what callers notice. `make bench`.

Everything is timed from outside, as whole commands: `scripts/deploy/deploy.sh`, from its start to its exit,
without the seconds in which a rehearsed release soaks (SOAK=0).
"""

from __future__ import annotations

import statistics
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from node1 import Node
from tests.e2e.operator import Operator

RATE = 100  # requests a second, each on a connection of its own
CHANGES = 7
REPEATS = 15
FIRSTS = 3


def main() -> None:
    """Print a table of medians with their ranges."""
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        firsts = [_first(place / f"first{number}") for number in range(FIRSTS)]
        with Node.boot("bench", place / "node") as node:
            operator = Operator.at(place / "checkout", node)
            operator.deploy("dev")
            host = operator.environ["NODE"]
            ssh = _times(REPEATS, lambda: _ssh(operator, host))
            nothing = _times(REPEATS, lambda: operator.deploy("dev"))
            changes, backs, lost, asked, slowest = _changes(operator)
    print(f"{'bare ssh ' + 'true':<44} {_shown(ssh)}")
    print(f"{'first deploy, dependencies built and sent':<44} {_shown(firsts)}")
    ratio = f"{statistics.median(nothing) / statistics.median(ssh):.2f} x ssh"
    print(f"{'nothing to do':<44} {_shown(nothing)}, {ratio}")
    print(f"{'code change, rehearsed and verified':<44} {_shown(changes)}")
    ratio = f"{statistics.median(backs) / statistics.median(changes):.2f} x a code change"
    print(f"{'rollback, rehearsed and verified':<44} {_shown(backs)}, {ratio}")
    print(f"{2 * CHANGES} switches at {RATE}/s: {lost} of {asked} requests lost, the slowest {slowest:.2f} s")


def _first(place: Path) -> float:
    """A fresh node and a fresh checkout; the wheels are in the cache of uv."""
    with Node.boot(f"bench-{place.name}", place / "node") as node:
        operator = Operator.at(place / "checkout", node)
        return _times(1, lambda: operator.deploy("dev"))[0]


def _changes(operator: Operator) -> tuple[list[float], list[float], int, int, float]:
    """Code changes, each rolled back, under a steady load: (seconds of each change and of each way back,
    requests lost, requests, the slowest answer).
    """
    answers: list[float | None] = []
    stop = threading.Event()
    url = f"http://{operator.node.address}:8000/health"
    load = threading.Thread(target=_load, args=(url, answers, stop))
    load.start()
    changes, backs = [], []
    for number in range(CHANGES):
        operator.commit("services/changed.py", f"NUMBER = {number}\n")
        changes += _times(1, lambda: operator.deploy("dev"))
        backs += _times(1, lambda: operator.change("rollback", "dev"))
    stop.set()
    load.join()
    times = [answer for answer in answers if answer is not None]
    return changes, backs, len(answers) - len(times), len(answers), max(times)


def _load(url: str, answers: list[float | None], stop: threading.Event) -> None:
    """RATE requests a second, whether or not the ones before have been answered; a minute at most."""
    threads = []
    end = time.monotonic() + 60
    while not stop.is_set() and time.monotonic() < end:
        threads.append(threading.Thread(target=lambda: answers.append(_ask(url))))
        threads[-1].start()
        time.sleep(1 / RATE)
    for thread in threads:
        thread.join()


def _ask(url: str) -> float | None:
    begun = time.monotonic()
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310  http to our own node
            answer.read()
    except (urllib.error.URLError, OSError):
        return None
    return time.monotonic() - begun


def _ssh(operator: Operator, host: str) -> None:
    argv = ["ssh", "-F", str(operator.node.ssh_config), host, "true"]
    subprocess.run(argv, check=True, timeout=60, stdin=subprocess.DEVNULL)


def _times(count: int, action: Callable[[], object]) -> list[float]:
    seconds = []
    for _ in range(count):
        begun = time.monotonic()
        action()
        seconds.append(time.monotonic() - begun)
    return seconds


def _shown(seconds: list[float]) -> str:
    middle, low, high = statistics.median(seconds), min(seconds), max(seconds)
    return f"{middle:5.2f} s  ({low:.2f} to {high:.2f}, n={len(seconds)})"


if __name__ == "__main__":
    main()
