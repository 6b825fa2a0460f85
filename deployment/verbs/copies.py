"""A backup of an event log on this machine, looked at before anything is sent or asked."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..errors import DeployError
from ..host.event_log.log_commands import LOG_FILE
from ..host.values.log import Log
from ..run import run
from ..settings import Settings
from ..ui.output import Output
from ..ui.tables import count
from .questions import EMPTY

LONG = 300.0  # seconds for a look at all of it
ON_THE_NODE = re.compile(r"([0-9]+-[0-9a-f]+|unreadable-.+)(\.[0-9]+)?")  # the name of an archived log
TABLE = slice(60, 64)  # where a file of SQLite has its user_version, by which a log tells the table's version
DAMAGED = "take an older one: make backup never makes a damaged one"


@dataclass(frozen=True)
class Copy:
    """A backup that is whole."""

    path: Path
    size: int
    sha256: str
    log: Log

    @property
    def shown(self) -> str:
        """The contents for people: length and head."""
        return f"{count(self.log.length)}, head {self.log.head[:16]}"

    def to_json(self) -> dict[str, Any]:
        """The log as a request describes it."""
        return asdict(self.log)


def named(settings: Settings, output: Output) -> Copy | None:
    """The backup that `BACKUP=` names; None where that is the name of a log which the node keeps."""
    if settings.backup == EMPTY:
        return _empty(settings.root)
    try:
        path = settings.here / Path(settings.backup).expanduser()
        there = path.exists()
    except (OSError, RuntimeError) as error:  # too long a name, ~nobody
        raise DeployError(
            f"there is no backup {settings.backup[:80]}: {error}.", "give the path of one"
        ) from error
    if not there and ON_THE_NODE.fullmatch(settings.backup):
        return None
    output.begin(f"verify {path.name}")
    started = time.monotonic()
    copy = read(path, settings.root)
    output.done(f"verify {path.name}", time.monotonic() - started, copy.shown)
    return copy


def _empty(root: Path) -> Copy:
    """A log with nothing in it: a new beginning."""
    directory = root / ".cache" / "empty-log"
    try:
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
    except OSError as error:
        raise DeployError(
            f"cannot make {directory}: {error.strerror}.", "look at its owner and its disk"
        ) from error
    run(_argv("import", directory), cwd=root, timeout=LONG)  # of nothing
    return read(directory / LOG_FILE, root)


def read(path: Path, root: Path) -> Copy:
    """Verify it with the code of this checkout. Raises `DeployError` where it is no whole event log."""
    if path.is_dir():
        raise DeployError(f"{path} is a directory.", "BACKUP= names a file in it")
    if not path.is_file():
        raise DeployError(
            f"there is no backup {path}.", "make backup makes one; make status names those on the node"
        )
    beside = path.with_name(f"{path.name}-wal")
    if beside.exists() and beside.stat().st_size:
        command = f".venv/bin/python -m services.event_log backup --store {path.parent} --to DIR"
        message = f"{path} is not all of that log: {beside.name} holds the rest."
        raise DeployError(message, f"{command} makes one file of both")
    with _scratch(path) as scratch:
        return _looked_at(path, scratch, root)


def head_at(copy: Copy, position: int, root: Path) -> str:
    """The hash of the record at a position of it, which counts from 1. Raises `DeployError`."""
    with _scratch(copy.path) as scratch:
        words = [*_argv("head", scratch), "--at", str(position)]
        return str(json.loads(run(words, cwd=root, timeout=LONG))["at"]["hash"])


@contextmanager
def _scratch(path: Path) -> Iterator[Path]:
    """A directory with a copy of it: SQLite leaves files of its own beside what it opens."""
    try:
        with tempfile.TemporaryDirectory() as name:
            copy = Path(name) / LOG_FILE
            shutil.copyfile(path, copy)
            copy.chmod(0o600)
            yield copy.parent
    except OSError as error:
        raise DeployError(
            f"cannot look at {path}: {error.filename}: {error.strerror}.",
            "it is looked at in a copy; TMPDIR= names a place with room for that",
        ) from error


def _looked_at(path: Path, scratch: Path, root: Path) -> Copy:
    copy = scratch / LOG_FILE
    with copy.open("rb") as file:
        table = int.from_bytes(file.read(TABLE.stop)[TABLE], "big")
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    size = copy.stat().st_size
    if not size:
        raise DeployError(f"{path} is empty.", DAMAGED)
    _verify(path, scratch, root)
    head = json.loads(run(_argv("head", scratch), cwd=root, timeout=LONG))
    return Copy(path, size, digest, Log.of_answer(int(head["position"]), str(head["hash"]), head, table))


def _verify(path: Path, scratch: Path, root: Path) -> None:
    try:
        run(_argv("verify", scratch), cwd=root, timeout=LONG)
    except DeployError as error:  # a chain that does not hold is exit code 1, and said as JSON all the same
        words = [line.strip() for line in error.details if line.strip()]
        if not words:
            raise
        if words[-1].startswith("{"):
            raise DeployError(f"{path} is damaged: {json.loads(words[-1])['problem']}.", DAMAGED) from error
        reason = next(line for line in reversed(words) if not line.startswith("hint:"))
        reason = reason.removeprefix("error: ").replace(str(scratch / LOG_FILE), "it")
        raise DeployError(f"{path} is no backup that can be used: {reason}.", DAMAGED) from error


def _argv(verb: str, store: Path) -> list[str]:
    return [sys.executable, "-m", "services.event_log", verb, "--store", str(store), "--json"]
