"""systemd: the state of units, and orders to it."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

from ..values.errors import StepFailed
from ..values.layout import Environment
from ..values.words import is_probe, readable
from .run import COLUMNS, TimedOut, run

PROPERTIES = (
    "Id,LoadState,ActiveState,SubState,MainPID,NRestarts,NeedDaemonReload,Listen,ExecMainStartTimestamp,"
    "ExecMainStartTimestampMonotonic,InvocationID,MemoryHigh"
)
ENTRIES = 2000  # of a journal that are looked at for last words: each probe of a start adds one
MEMORY = 128 << 20  # bytes for journalctl, which takes a message of hundreds of MB whole
START_LIMIT = 120.0  # seconds for one job: above every TimeoutStartSec and TimeoutStopSec of ours
SPARE = 5.0  # seconds that systemd may take for a job beyond what the unit says
SPAN = re.compile(r"([0-9.]+)(us|ms|s|min|h)")  # part of `1min 30s`: see systemd.time(7)
SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0}


@dataclass(frozen=True)
class Unit:
    """One unit as the service manager sees it now."""

    name: str
    active: str
    sub: str
    pid: int
    restarts: int
    stale: bool
    listen: str | None
    since: str
    started: float = 0.0  # the start of its main process, on the clock of `time.monotonic`
    invocation: str = ""  # the id of its last start, which no other start has; empty before the first
    memory: int | None = None  # bytes beyond which the kernel slows it down; None without such a limit


def show(names: list[str], timeout: float = 60.0) -> dict[str, Unit]:
    """The named units, in one call; a unit that does not exist is inactive."""
    return {values["Id"]: _unit(values) for values in _properties(names, PROPERTIES, timeout)}


def _properties(names: Sequence[str], properties: str, timeout: float = 60.0) -> list[dict[str, str]]:
    """The properties of each of the named units, in their order."""
    text = run(["systemctl", "show", "--timestamp=unix", f"--property={properties}", *names], timeout=timeout)
    blocks = text.strip().split("\n\n")
    return [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in blocks]


def _unit(values: dict[str, str]) -> Unit:
    return Unit(
        name=values["Id"],
        active=values.get("ActiveState", "inactive"),
        sub=values.get("SubState", "dead"),
        pid=int(values.get("MainPID") or 0),
        restarts=int(values.get("NRestarts") or 0),
        stale=values.get("NeedDaemonReload") == "yes",
        listen=values["Listen"].rsplit(" (", 1)[0] if values.get("Listen") else None,
        since=values.get("ExecMainStartTimestamp", "").lstrip("@"),
        started=int(values.get("ExecMainStartTimestampMonotonic") or 0) / 1e6,
        invocation=values.get("InvocationID", ""),
        memory=int(limit) if (limit := values.get("MemoryHigh", "")).isdecimal() else None,
    )


def is_alive(unit: str) -> bool:
    """Whether a unit runs, or will by itself: one that waits for its restart counts.

    A killed unit is inactive, with a job that starts it, as long as a unit that it starts after is restarted.
    """
    (values,) = _properties([unit], "ActiveState,Job")
    has_job = values.get("Job", "") not in ("", "0")
    return has_job or values["ActiveState"] in ("active", "activating", "reloading", "deactivating")


def systemctl(*words: str) -> None:
    """Give an order and wait for its job. Raises `StepFailed` when the job fails."""
    run(["systemctl", *words], timeout=START_LIMIT)


def stop(*names: str) -> None:
    """Stop units, the last of which is a service; what does not end within the time of its unit is killed.

    A service that asks for more time (EXTEND_TIMEOUT_USEC, see sd_notify(3)) gets it from systemd, for ever.
    """
    orders = ["systemctl", "stop", *names]
    limit = limits(names[-1])[1]
    try:
        run(orders, timeout=limit, expect=(0, 5))  # 5: there was nothing to stop
    except TimedOut:
        _kill(names[-1])
        run(orders, timeout=limit, expect=(0, 5))


def restart(name: str) -> None:
    """Restart a service. Raises `StepFailed`; neither the old process nor the new one gets more time."""
    start_limit, stop_limit = limits(name)
    orders = ["systemctl", "restart", name]
    try:
        run(orders, timeout=start_limit + stop_limit)
    except TimedOut:
        was_ending = show([name])[name].active != "activating"
        _kill(name)
        if not was_ending:
            raise
        run(orders, timeout=start_limit)


def limits(name: str) -> tuple[float, float]:
    """The seconds that a service may take to start, and to stop."""
    (values,) = _properties([name], "TimeoutStartUSec,TimeoutStopUSec")
    return seconds(values.get("TimeoutStartUSec", "")), seconds(values.get("TimeoutStopUSec", ""))


def seconds(span: str) -> float:
    """The seconds of a time span that systemd prints, with some to spare; at most `START_LIMIT`."""
    parts = SPAN.findall(span)
    if not parts:  # `infinity`, for one
        return START_LIMIT
    return min(sum(float(number) * SECONDS[unit] for number, unit in parts) + SPARE, START_LIMIT)


def _kill(name: str) -> None:
    run(["systemctl", "kill", "--signal=KILL", name], expect=(0, 1))  # 1: it has just ended


def end(*names: str) -> str:
    """Stop units, whatever state they are in, and forget their failures; how the last of them had ended."""
    stop(*names)
    states = _properties(names, "ActiveState,Result")
    if any(state["ActiveState"] == "failed" for state in states):
        forget_failure(*names)
    return states[-1]["Result"]


def start_service(environment: Environment, name: str) -> None:
    """Restart one of the environment's services; a failure carries its last log lines."""
    forget_failure(name)
    mark = now()
    try:
        restart(name)
    except StepFailed as error:
        raise StepFailed(
            f"{name} did not come up.",
            f"make logs ENV={environment.name} FOLLOW=0 has more than the lines above",
            last_words(environment, mark, name),
        ) from error


def forget_failure(*names: str) -> None:
    """Clear a failed state and its start limit, so that it neither shows nor counts any more."""
    run(["systemctl", "reset-failed", *names], expect=(0, 1))


def now(later: float = 0.0) -> str:
    """This moment, or one `later` seconds from it, as `last_words` takes it: seconds since the epoch."""
    return f"{time.time() + later:.6f}"


def last_words(environment: Environment, since: str, name: str, lines: int = 30) -> tuple[str, ...]:
    """The lines that a service, and systemd about it, logged since then.

    Without the questions whether it is ready: whoever waits for it asks many times a second. A journal that
    cannot be read takes the place of no other failure.
    """
    try:
        text = _journal(environment, since, name)
    except StepFailed as error:
        return (f"its journal cannot be read: {error.message}",)
    whole = text.rpartition("\n")[0]  # what was cut off is the oldest line
    lines_ = (line for line in whole.splitlines() if line.strip() and not is_probe(line))
    newest = [readable(line) for line in itertools.islice(lines_, lines)]
    shown = [words[:COLUMNS] for entry in reversed(newest) for words in entry]
    return tuple(shown[-lines:])


def _journal(environment: Environment, since: str, name: str) -> str:
    """The last entries of a unit, newest first."""
    run(["journalctl", f"--namespace={environment.namespace}", "--sync"], expect=(0, 1))
    return run(
        [
            *("journalctl", f"--namespace=+{environment.namespace}", "--unit", name, "--reverse"),
            *("--since", f"@{since}", f"--lines={ENTRIES}", "--output", "cat", "--no-pager", "--quiet"),
        ],
        expect=(0, 1),
        memory=MEMORY,
        cut=True,
    )
