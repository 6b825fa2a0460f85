"""What systemd says of the units, and the orders it takes."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import StepFailed
from .model import Environment
from .run import run

PROPERTIES = (
    "Id,LoadState,ActiveState,SubState,MainPID,NRestarts,NeedDaemonReload,Listen,ExecMainStartTimestamp"
)
START_LIMIT = 120.0  # seconds for one job: above every TimeoutStartSec and TimeoutStopSec of ours


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


def show(names: list[str]) -> dict[str, Unit]:
    """The named units, in one call; a unit that does not exist is inactive."""
    text = run(["systemctl", "show", "--timestamp=unix", f"--property={PROPERTIES}", *names])
    units = {}
    for block in text.strip().split("\n\n"):
        values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        units[values["Id"]] = _unit(values)
    return units


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
    )


def is_alive(unit: str) -> bool:
    """Whether a unit runs, or will by itself: one that waits for its restart counts."""
    state = run(["systemctl", "is-active", unit], expect=(0, 3, 4)).strip()
    return state in ("active", "activating", "reloading", "deactivating")


def systemctl(*words: str) -> None:
    """Give an order and wait for its job. Raises `StepFailed` when the job fails."""
    run(["systemctl", *words], timeout=START_LIMIT)


def start_service(environment: Environment) -> None:
    """Restart the service; a failure carries its last log lines."""
    name = environment.service
    forget_failure(environment)
    mark = run(["date", "+%s.%N"]).strip()
    try:
        systemctl("restart", name)
    except StepFailed as error:
        raise StepFailed(
            f"{name} did not come up.",
            f"make logs ENV={environment.name} FOLLOW=0 has more than the lines above",
            last_words(environment, mark),
        ) from error


def forget_failure(environment: Environment) -> None:
    """Clear a failed state and its start limit, so that it neither shows nor counts any more."""
    run(["systemctl", "reset-failed", environment.service, environment.socket], expect=(0, 1))


def last_words(environment: Environment, since: str, lines: int = 30) -> tuple[str, ...]:
    """What the service, and systemd about it, wrote since then, from both of their journals."""
    run(["journalctl", f"--namespace={environment.namespace}", "--sync"], expect=(0, 1))
    text = run(
        [
            *("journalctl", f"--namespace=+{environment.namespace}", "--unit", environment.service),
            *("--since", f"@{since}", "--output", "cat", "--no-pager", "--quiet"),
        ],
        expect=(0, 1),
    )
    return tuple([line for line in text.splitlines() if line.strip()][-lines:])
