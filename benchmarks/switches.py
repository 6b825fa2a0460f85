"""The requests that deploys and rollbacks lose or delay under a steady load."""

from __future__ import annotations

import threading
import time
import urllib.error
import urllib.request

from tests.e2e.operator import Operator

RATE = 100  # requests a second, each on a connection of its own
CHANGES = 7
LONGEST = 60.0  # seconds of load


def lost_in_switches(operator: Operator) -> str:
    """Deploy changes and roll each back under load; return a line with the requests lost and the slowest."""
    answers: list[float | None] = []
    stop = threading.Event()
    url = f"http://{operator.node.address}:8000/health"
    load = threading.Thread(target=_load, args=(url, answers, stop))
    load.start()
    for number in range(CHANGES):
        operator.commit("services/changed.py", f"NUMBER = {number}\n")
        operator.deploy("dev")
        operator.change("rollback", "dev")
    stop.set()
    load.join()
    times = [answer for answer in answers if answer is not None]
    lost = f"{len(answers) - len(times)} of {len(answers)} requests lost"
    return f"{2 * CHANGES} switches at {RATE}/s: {lost}, the slowest {max(times):.2f} s"


def _load(url: str, answers: list[float | None], stop: threading.Event) -> None:
    """RATE requests a second, whether or not the ones before have been answered."""
    threads = []
    end = time.monotonic() + LONGEST
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
