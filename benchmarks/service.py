"""Measure the service and its event log beside this machine's own limits. `make bench-service`.

What is compared is measured in turns, in one run, and medians are given: machines differ, and so do minutes.
Every row says its goal and whether it is met; to miss one is no error.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from statistics import median

import benchmarks.million as million
from benchmarks.appends import SIZE, Table, appender, limit
from benchmarks.process import Running, running
from benchmarks.report import Row, at_least, below, objects, table
from services.config import ROOT
from tests.services.telegram.bot_api import BotApi

COUNT = 600
"""The records that one client appends in a round."""

CROWD = 64

STARTS = 11

LATENCY_SECONDS = 4.0
LATENCY_TURNS = 3
RATE = 200.0
"""Requests a second while it is measured how long each takes."""

PATROL_SECONDS = 120.0
"""The limit for the look at every record."""


def main() -> None:
    """Print a table, or with `--json` one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.service", description=__doc__)
    parser.add_argument("--dir", type=Path, default=ROOT / "data", help="on the disk that is meant")
    parser.add_argument("--events", type=int, default=1_000_000, help="how many a long log has")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    options.dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=options.dir) as scratch:
        rows = list(_all(Path(scratch), options.events, options.rounds))
    system = _file_system(options.dir.resolve())
    if options.json:
        print(json.dumps({"directory": str(options.dir), "file_system": system, "rows": objects(rows)}))
    else:
        print(f"records of {SIZE} bytes; {options.events:,} events in the long log; {options.dir}: {system}")
        print(table(rows))


def _all(place: Path, events: int, rounds: int) -> Iterator[Row]:
    none, long = place / "none", place / "long"
    none.mkdir()
    long.mkdir()
    yield from _appends(place, rounds)
    _tell(f"filling a log with {events:,} events")
    million.fill(long / "events", events)
    yield from _long_log(long, events)
    yield from _starts(none, long)
    yield from _bot(place)
    yield from _patrol(none, long)


def _appends(place: Path, rounds: int) -> Iterator[Row]:
    _tell("appending")
    rates = _append_rates(place, rounds)
    bound = median(rates["limit"])
    yield Row(f"write + fdatasync of {SIZE} bytes: the limit", bound, "/s", note=_span(rates["limit"]))
    times = median(rates["bare"]) / bound
    yield Row("rows of a SQLite table with one column", times, "x", note=_span(rates["bare"], "/s"))
    for name, label, goal in (
        ("alone", "log, 1 thread", 0.9),
        ("one", "group commit, 1 client", 0.9),
        ("crowd", f"group commit, {CROWD} clients", 8.0),
        ("crowd without keys", "the same without idempotency keys", 8.0),
    ):
        times = median(rates[name]) / bound
        yield at_least(f"durable appends, {label}", times, "x", goal, _span(rates[name], "/s"))
    for name, label in (("http one", "HTTP, 1 client"), ("http crowd", f"HTTP, {CROWD} clients")):
        yield Row(f"durable appends, {label}", median(rates[name]), "/s", note=_span(rates[name]))


def _append_rates(place: Path, rounds: int) -> dict[str, list[float]]:
    """The appends per second of each kind, in turns."""
    rates: dict[str, list[float]] = {}
    busy = place / "busy"
    busy.mkdir()
    with (
        closing(Table(place / "bare.db")) as sqlite,
        appender(place / "alone") as log,
        running(busy) as service,
    ):
        for _ in range(rounds):
            for name, rate in (
                ("limit", limit(place / "raw", COUNT)),
                ("bare", sqlite.rate(COUNT)),
                ("alone", log.alone(COUNT)),
                ("one", log.rate(1, COUNT)),
                ("crowd", log.rate(CROWD, COUNT * 8)),
                ("crowd without keys", log.rate(CROWD, COUNT * 8, keyed=False)),
                ("http one", _posted(service, 1)),
                ("http crowd", _posted(service, CROWD)),
            ):
                rates.setdefault(name, []).append(rate)
    return rates


def _posted(service: Running, connections: int) -> float:
    result = service.called("--connections", str(connections), "--seconds", "1")
    if result["failed"]:
        raise SystemExit(f"{result['failed']} requests failed: what was measured is worth nothing")
    return float(result["per_second"])


def _long_log(long: Path, events: int) -> Iterator[Row]:
    _tell("reading it")
    store, stem = long / "events", long / "projections" / "helionyx.db"
    seconds = [(million.replay(store), million.verify(store)) for _ in range(3)]
    replays, proofs = [list(column) for column in zip(*seconds, strict=True)]
    yield at_least("replay", events / median(replays) / 1e6, "M/s", 0.8, _span(replays, "s"))
    yield below("verify the whole chain", median(proofs), "s", 2.5, _span(proofs, "s"))
    builds = [million.rebuild(store, stem) for _ in range(2)]
    yield below("build the read models anew", median(builds), "s", 10, _span(builds, "s"))


def _starts(none: Path, long: Path) -> Iterator[Row]:
    _tell("starting")
    ready: dict[Path, list[float]] = {none: [], long: []}
    for turn in range(STARTS + 1):
        for place, seconds in ready.items():
            with running(place) as service:
                if turn:  # the first one writes the bytecode, and makes the read models' file
                    seconds.append(service.ready_after * 1000)
    for place, label in ((none, "no events"), (long, "the long log")):
        note = _span(ready[place], "ms")
        yield below(f"from exec to READY=1, {label}", median(ready[place]), "ms", 300, note)
    apart = (median(ready[long]) / median(ready[none]) - 1) * 100
    yield below("how much longer with the long log", apart, "%", 10)


def _bot(place: Path) -> Iterator[Row]:
    """With a Bot API on this machine, and nobody who says anything."""
    _tell("listening to Telegram")
    here = place / "bot"
    here.mkdir()
    ready: list[float] = []
    with BotApi.running() as api:
        bot = api.add("helionyx_dev_bot")
        keys = {"TELEGRAM_BOT_TOKEN": bot.token, "TELEGRAM_CHAT_ID": "1", "TELEGRAM_API_URL": api.url}
        for turn in range(STARTS + 1):
            with running(here, **keys) as service:
                if turn:
                    ready.append(service.ready_after * 1000)
                if turn in (0, STARTS):  # at first there is bytecode to be written
                    bot.wait(lambda: bot.polling, seconds=60)
                    _until_idle(service)
                    memory = service.memory()
    yield below("from exec to READY=1, with the bot", median(ready), "ms", 300, _span(ready, "ms"))
    note = "3 MB less in a release: here the library finds rich, and loads it"
    yield below("memory when idle, with the bot", memory, "MB", 50, note)


def _patrol(none: Path, long: Path) -> Iterator[Row]:
    """While the long log is looked through from its beginning; the short one has nothing to look at."""
    _tell("asking, while every record is looked at")
    rates = ("--rate", str(RATE), "--seconds", str(LATENCY_SECONDS), "--connections", "4")
    result: dict[tuple[Path, str], list[float]] = {}
    for _ in range(LATENCY_TURNS):
        for path, verb in (("", "POST"), ("/api/v1/messages?limit=10", "GET")):
            for place in (none, long):
                with running(place) as service:  # anew for each: the look begins at the start
                    p99 = service.called(*rates, "--path", path)["p99"] * 1000
                result.setdefault((place, verb), []).append(p99)
    for verb in ("POST", "GET"):
        before, beside = result[none, verb], result[long, verb]
        yield Row(f"p99 of a {verb}, no events", median(before), "ms", note=_span(before))
        note = f"{median(beside) / median(before):.1f} x, {_span(beside)}"
        yield Row(f"p99 of a {verb}, the long log, being looked through", median(beside), "ms", note=note)
    yield from _idle(none, long)


def _idle(none: Path, long: Path) -> Iterator[Row]:
    """The memory of the service once every record was looked at."""
    for place, label in ((none, "no events"), (long, "the long log")):
        with running(place) as service:
            started = time.perf_counter()
            _until_idle(service)
            seconds = time.perf_counter() - started
            note = f"idle after {seconds:.0f} s and {service.processor():.1f} s of processor time"
            yield below(f"memory when idle, {label}", service.memory(), "MB", 40, note)


def _until_idle(service: Running) -> None:
    """Wait until it uses no more processor time than a service that nobody asks."""
    end = time.monotonic() + PATROL_SECONDS
    before = -1.0
    while service.processor() - before > 0.02 and time.monotonic() < end:
        before = service.processor()
        time.sleep(1)


def _span(values: list[float], unit: str = "") -> str:
    low, high = min(values), max(values)
    middle = f"{median(values):,.4g} {unit}, " if unit else ""
    return f"{middle}{low:,.4g} to {high:,.4g}, n={len(values)}"


def _file_system(directory: Path) -> str:
    """The type of the file system of `directory`: on a tmpfs nothing waits for a disk."""
    mounts = [line.split()[1:3] for line in Path("/proc/self/mounts").read_text().splitlines()]
    inside = [(len(point), kind) for point, kind in mounts if directory.is_relative_to(point)]
    return max(inside)[1]


def _tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
