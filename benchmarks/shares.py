"""Time the answers of live while dev takes all of the machine that it can get. `make bench-shares`.

Live and dev run on a node of their own on this machine. Live is asked at a steady rate, first beside a quiet
dev, then beside one that is under attack: from inside its own service it forks until it is refused, every
process computes and holds memory, and some write to the disk and sync. All of that is bounded in number, size
and time.

An answer's time counts from the moment at which its request was due. The caller runs with the priority of a
real-time process, so that the service is measured and not the caller.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.report import Row, below, table
from benchmarks.steady import LONGEST, exchange, real_time, request_of
from node1 import Node
from tests.e2e import back_door
from tests.e2e.back_door import BackDoor
from tests.e2e.operator import PORTS, Operator

RATE = 100  # requests a second
COUNT = 1000  # of each kind: half of them record a message, half read
ATTACK_SECONDS = 90.0  # after which an attack ends by itself
RATIO = 2.0  # the p99 under attack beside the p99 of before, at most
VERBS = ("status", "restart", "rollback", "deploy")

PLACE = "@PLACE@"
ATTACK = f"""
import os, time
from pathlib import Path
END = time.monotonic() + {ATTACK_SECONDS}
place = Path("{PLACE}")
stop = place / "stop"
def compute():
    while time.monotonic() < END and not stop.exists():
        sum(range(100_000))
def write(number):
    with open(place / f"filler-{{number}}", "wb", buffering=0) as file:
        while time.monotonic() < END and not stop.exists():
            file.seek(0)
            for _ in range(64):
                file.write(bytes(1 << 20))
            os.fsync(file.fileno())
children = []
gate, key = os.pipe()
while len(children) < 400:
    try:
        child = os.fork()
    except OSError:
        break
    if not child:
        try:
            os.close(key)
            os.read(gate, 1)
            held = bytearray(os.urandom(1 << 20) * 8)
            write(len(children)) if len(children) % 16 == 0 else compute()
        finally:
            os._exit(0)
    children.append(child)
(place / "begun").write_text(str(len(children)))
os.close(key)
compute()
for child in children:
    os.waitpid(child, 0)
"""


def main() -> None:
    """Measure and print a table."""
    with (
        tempfile.TemporaryDirectory() as scratch,
        Node.boot("bench-shares", Path(scratch) / "node") as node,
    ):
        operator = Operator.at(Path(scratch) / "checkout", node)
        print(table(list(measured(prepared(operator)))))


def prepared(operator: Operator) -> BackDoor:
    """Deploy two releases of live, and one of dev that has a back door."""
    operator.deploy("live")
    operator.commit("services/changed.py", "NUMBER = 1\n")
    operator.deploy("live")
    back_door.commit(operator)
    operator.deploy("dev")
    operator.undo()
    operator.undo()
    return BackDoor.into(operator, "dev")


def measured(door: BackDoor) -> Iterator[Row]:
    """The figures, quiet and under attack."""
    operator = door.operator
    groups = "/sys/fs/cgroup/cgroup.controllers"
    controllers = operator.node.run(["cat", groups]).stdout.split() or ["none"]
    print(f"cgroup controllers of the node: {', '.join(controllers)}", flush=True)
    quiet = {name: answered(operator, keep=keep) for name, keep in KINDS.items()}
    with attack(door):
        attacked = {name: answered(operator, keep=keep) for name, keep in KINDS.items()}
        took = {verb: seconds(partial(_verb, operator, verb)) for verb in VERBS}
    for name in KINDS:
        before, under = summary(quiet[name]), summary(attacked[name])
        yield Row(f"{name}: quiet, p99", before["p99"], "ms", note=words(before))
        yield Row(f"{name}: under attack, p99", under["p99"], "ms", note=words(under))
        yield below(f"{name}: ratio of the two", under["p99"] / before["p99"], "x", RATIO)
    for verb, duration in took.items():
        yield Row(f"{verb} of live under attack", duration, "s")


KINDS = {"new connections": False, "keep-alive": True}


@contextmanager
def attack(door: BackDoor) -> Iterator[None]:
    """Let dev attack, and wait until it has begun; end it behind the block."""
    on_node = door.operator.on_node
    on_node("rm", "-f", f"{door.place}/stop", f"{door.place}/begun")
    door.begin(ATTACK.replace(PLACE, door.place))
    on_node("timeout", "60", "sh", "-c", f"until test -e {door.place}/begun; do sleep 0.05; done")
    print(f"dev has forked {on_node('cat', f'{door.place}/begun')} times", flush=True)
    try:
        yield
    finally:
        on_node("touch", f"{door.place}/stop")
        unit = door.environment.service
        ended = f"until test $(systemctl show -P TasksCurrent {unit}) -lt 20; do sleep 0.05; done"
        door.operator.node.run(["timeout", "20", "sh", "-c", ended])


def answered(operator: Operator, *, keep: bool) -> list[float]:
    """The seconds that each of COUNT requests took; one that failed counts as LONGEST."""
    with real_time():
        return asyncio.run(_calls(operator, keep=keep))


async def _calls(operator: Operator, *, keep: bool) -> list[float]:
    """Send a request at each due time, whether or not the ones before have been answered."""
    started, took = time.perf_counter() + 0.1, list[float]()
    idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def one(number: int) -> None:
        due = started + number / RATE
        await asyncio.sleep(due - time.perf_counter())
        try:
            async with asyncio.timeout(LONGEST):
                text = "" if number % 2 else f"said as number {number}"
                pair = idle.pop() if idle else None
                pair = pair or await asyncio.open_connection(operator.node.address, PORTS["live"])
                await exchange(*pair, request_of(operator.tokens["live"], text, keep=keep))
        except OSError:  # a time-out is one too
            took.append(LONGEST)
            return
        took.append(time.perf_counter() - due)
        if keep:
            idle.append(pair)
        else:
            pair[1].close()

    await asyncio.gather(*(one(number) for number in range(COUNT)))
    for _, writer in idle:
        writer.close()
    return took


def summary(durations: list[float]) -> dict[str, float]:
    """Quantiles in milliseconds, and the number of failures."""
    points = statistics.quantiles(durations, n=100)
    failed = sum(each >= LONGEST for each in durations)
    return {
        "p50": points[49] * 1e3,
        "p99": points[98] * 1e3,
        "max": max(durations) * 1e3,
        "failed": failed,
    }


def words(found: dict[str, float]) -> str:
    """The rest of a summary, for a note."""
    return f"p50 {found['p50']:.1f}, max {found['max']:.0f} ms, {found['failed']:.0f} of {COUNT} failed"


def seconds(action: Callable[[], object]) -> float:
    """The seconds that an action takes."""
    started = time.monotonic()
    action()
    return time.monotonic() - started


def _verb(operator: Operator, verb: str) -> None:
    if verb == "status":
        operator.status("live")
    else:
        operator.change(verb, "live")


if __name__ == "__main__":
    main()
