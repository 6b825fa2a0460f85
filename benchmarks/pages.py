"""The pages over a long log: `make bench-pages`. A million events, among them 10,000 open todos.

Each page is asked for by one caller, one request after the other, on one connection, as a browser does. The
memory is that of the service's process, before the first visit and after all.
"""

from __future__ import annotations

import contextlib
import http.client
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from benchmarks.process import Running, running
from services.domain.events import Event, MessageRecorded, TodoAdded
from services.event_codec import draft_of
from services.event_log.records import Append
from services.event_log.sqlite.log import SqliteLog
from tests.services.instance import TOKEN

EVENTS = 1_000_000
TODOS = 10_000
REQUESTS = 200
GROUP = 1000

WORDS = (
    *("apple", "bread", "candle", "door", "engine", "forest", "garden"),
    *("house", "island", "journal", "kettle", "ladder", "mirror", "needle"),
)

PAGES = ("/", "/timeline", "/todos", "/search?q=garden", "/search?q=candle+ladd", "/search?q=no+such+words")


def main() -> None:
    """Fill a log, start a service on it, and print the time of each page."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        fill(directory / "events")
        with running(directory) as service:
            print(f"ready after {service.ready_after:.2f} s, with the building of the read models")
        with running(directory) as service:
            print(f"ready after {service.ready_after:.3f} s, {service.memory():.1f} MB")
            for path, seconds in visited(service).items():
                first, median = 1000 * seconds[0], 1000 * statistics.median(seconds)
                p95 = 1000 * sorted(seconds)[int(0.95 * len(seconds))]
                print(f"{path:26} first {first:6.1f} ms  median {median:6.1f} ms  95 % {p95:6.1f} ms")
            print(f"{service.memory():.1f} MB after {REQUESTS * len(PAGES)} requests")


def fill(directory: Path) -> None:
    """Append the events, the todos among them at even distances."""
    with contextlib.closing(SqliteLog.open(directory)) as log:
        events = _events()
        while group := list(islice(events, GROUP)):
            log.append_each([Append([draft_of(event)]) for event in group])


def _events() -> Iterator[Event]:
    choice = random.Random(1)  # noqa: S311 - the same events each time
    now = datetime.now(UTC)
    for number in range(EVENTS):
        text = " ".join(choice.choices(WORDS, k=6))
        if number % (EVENTS // TODOS):
            yield MessageRecorded(now, "api", text=text)
            continue
        day = (now + timedelta(days=choice.randint(-300, 300))).date().isoformat()
        yield TodoAdded(now, "api", text=text, due=day if choice.random() < 0.5 else None, tags=("home",))


def visited(service: Running) -> dict[str, list[float]]:
    """Page -> the seconds of each request."""
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/login", f"token={TOKEN}", form)
    answer = connection.getresponse()
    answer.read()
    cookie = {"Cookie": str(answer.getheader("set-cookie")).partition(";")[0]}
    times: dict[str, list[float]] = {}
    for path in PAGES:
        for _ in range(REQUESTS):
            begun = time.perf_counter()
            connection.request("GET", path, headers=cookie)
            page = connection.getresponse()
            body = page.read()
            times.setdefault(path, []).append(time.perf_counter() - begun)
            if page.status != 200 or b"</html>" not in body:
                raise SystemExit(f"{path}: {page.status}")
    connection.close()
    return times


if __name__ == "__main__":
    main()
