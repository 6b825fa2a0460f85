"""Event logs that are put aside and brought back: none is ever deleted or overwritten by another.

All of it is done as the environment's user, in whose data they lie.
"""

from __future__ import annotations

from pathlib import Path

from . import observe
from .errors import StepFailed
from .layout import Environment, Layout
from .model import Manifest
from .run import run

LONG = 280.0  # seconds for what depends on how much was said; the operator's half waits longer for a word


def install(layout: Layout, environment: Environment, release: Manifest, staged: Path, name: str) -> str:
    """Put a log that was sent on the shelf. Raises `StepFailed` unless it is whole and the named one."""
    half = layout.kept_logs(environment) / ".half"
    _as(environment, "rm", "-rf", "--one-file-system", "--", str(half))
    _as(environment, "mkdir", "--parents", "--mode=700", "--", str(half))
    with staged.open("rb") as file:
        copy = ["dd", f"of={half / observe.LOG_FILE}", "bs=1M", "conv=fsync", "status=none"]
        run(copy, stdin=file, user=environment.user, timeout=LONG)
    _as(environment, "chmod", "600", "--", str(half / observe.LOG_FILE))
    words = ("verify", "--store", str(half))
    answer = observe.ask_log(layout, environment, release, *words, timeout=LONG, expect=(0, 1))
    if not answer.get("ok"):
        raise StepFailed(
            f"the backup is damaged at position {answer.get('first_bad_position')}.",
            "take another one",
        )
    log = observe.log_in(layout, environment, release, half)
    if log.name != name:
        raise StepFailed(f"the backup that arrived is {log.name}, not {name}.")
    _as(environment, "mv", "--no-target-directory", "--", str(half), str(half.with_name(name)))
    return f"{log.length} events verified"


def switch(layout: Layout, environment: Environment, release: Manifest, name: str, aside: str) -> str:
    """Put the log that is there aside, under `aside`, and the named one in its place. Can be repeated."""
    store = Path(str(release.config["event_store_path"]))
    wanted, other = (layout.kept_logs(environment) / item for item in (name, aside))
    if not wanted.is_dir():
        return "it is there"
    if store.is_dir():
        if other.is_dir():  # the same, kept before: as long and with the same head
            _as(environment, "rm", "-rf", "--one-file-system", "--", str(other))
        _as(environment, "mv", "--no-target-directory", "--", str(store), str(other))
    _as(environment, "mv", "--no-target-directory", "--", str(wanted), str(store))
    return f"the one of before is kept in {other}"


def _as(environment: Environment, *argv: str) -> None:
    run(list(argv), user=environment.user, timeout=LONG)
