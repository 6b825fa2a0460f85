"""The write-ahead record of one transaction: what it was asked, what it is doing, how it ended.

transactions/<id>/request.json    verb, environment, manifest, actor: written once, before the unit starts
transactions/<id>/*.tar.gz        staged inputs, removed at the end (a release holds secrets)
transactions/<id>/record.jsonl    one JSON object per line, in the order in which things happened
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..node import reserve
from ..node.files import make_private, publish, unfinished
from ..values.layout import Environment, Layout
from ..values.printable import safe

KEEP = 20  # transactions whose requests and records stay for reading
WHOLE = {"verb", "environment", "actor"}  # what every request has; one without it was never finished
STAGING = "staging"  # the file that is locked while the data of a transaction is on its way
FORGOTTEN = 3600.0  # seconds after which what was not begun is forgotten, where nothing says who brings it


@dataclass(frozen=True)
class Transaction:
    """One change, by its id: its directory is all of its memory."""

    id: str
    layout: Layout

    @property
    def path(self) -> Path:
        """The directory of its request, its staged inputs and its record."""
        return self.layout.transactions / self.id

    @property
    def unit(self) -> str:
        """The unit that carries it out."""
        return f"helionyx-deploy-{self.id}.service"

    @property
    def request(self) -> dict[str, Any]:
        """The request."""
        value: dict[str, Any] = json.loads((self.path / "request.json").read_bytes())
        return value

    @property
    def is_known(self) -> bool:
        """Whether the node still remembers it."""
        return (self.path / "request.json").exists()

    @property
    def log(self) -> Path:
        """The record's file."""
        return self.path / "record.jsonl"

    def write(self, event: str, **content: Any) -> dict[str, Any]:
        """Add a line to the record and wait until it is on disk.

        What a full disk or a power cut left of a line is ended first, so that it spoils no other.
        """
        entry = {"event": event, "at": round(time.time(), 3), **safe(content)}
        data = json.dumps(entry).encode() + b"\n"
        try:
            self._append(data)
        except OSError as error:
            if error.errno not in reserve.FULL:
                raise
            self.close()  # the record of a change matters more than its output
            self._append(data)
        return entry

    def _append(self, data: bytes) -> None:
        with open(self.log, "a+b", opener=private) as file:
            if file.tell() and os.pread(file.fileno(), 1, file.tell() - 1) != b"\n":
                data = b"\n" + data
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def entries(self, event: str | None = None) -> list[dict[str, Any]]:
        """The record so far, without what is no whole line."""
        try:
            content = self.log.read_bytes()
        except FileNotFoundError:
            return []
        lines = [_read(line) for line in content.split(b"\n")[:-1]]
        return [line for line in lines if line is not None and event in (None, line["event"])]

    def begin(self, number: int) -> None:
        """Note the beginning of an attempt, on a clock that nobody sets as well."""
        clock = {"boot": _boot(), "monotonic": round(time.monotonic(), 3)}
        self.write("attempt", number=number, **clock, cancels=True)  # earlier versions look for no cancel

    @property
    def first_attempt(self) -> float:
        """The time of its first attempt on the monotonic clock; 0 if none was made since this boot."""
        first = next(iter(self.entries("attempt")), {})
        return float(first["monotonic"]) if first.get("boot") == _boot() else 0.0

    @property
    def seconds(self) -> float:
        """The seconds since its first attempt; by the wall clock if the node was booted in between."""
        first = self.entries("attempt")[0]
        if first.get("boot") == _boot():
            return round(time.monotonic() - float(first["monotonic"]), 3)
        return max(0.0, round(time.time() - float(first["at"]), 3))

    @property
    def result(self) -> dict[str, Any] | None:
        """The entry of its end; None before it."""
        results = self.entries("result")
        return results[-1] if results else None

    def has_begun(self, verb: str) -> bool:
        """Whether an attempt has begun the step with this verb."""
        return any(entry["verb"] == verb for entry in self.entries("step"))

    def has_done(self, verb: str) -> bool:
        """Whether an attempt has done the step with this verb."""
        return any(entry["verb"] == verb and entry["state"] == "done" for entry in self.entries("step"))

    def close(self) -> None:
        """Forget the staged inputs."""
        for blob in (*self.path.glob("*.tar.gz"), *self.path.glob("*.db")):
            blob.unlink()


def new_id(environment: str) -> str:
    """An id of the environment, the second and 16 random bits; ids sort by time."""
    return f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{environment}-{os.urandom(2).hex()}"


def create(layout: Layout, request: dict[str, Any]) -> Transaction:
    """A new transaction with its request on disk, and room for its record; older ones are forgotten."""
    transaction = _with_directory(layout, request["environment"])
    reserves = reserve.places(layout)
    content = json.dumps(request, indent=1).encode()
    try:
        publish(transaction.path / "request.json", content, 0o600, reserves)
        _begin(transaction.log, reserves)
    except OSError:
        forget(transaction)
        raise
    for old in (*ended(layout)[:-KEEP], *never_begun(layout)):
        shutil.rmtree(old.path, ignore_errors=True)  # another environment's deploy may be at it too
    return transaction


@contextlib.contextmanager
def staging(transaction: Transaction) -> Iterator[None]:
    """Mark a transaction as one whose data is on its way: once the mark's lock is free, nobody brings it."""
    path = transaction.path / STAGING
    with open(unfinished(path), "wb", opener=private) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        unfinished(path).rename(path)  # only now: a free lock says that nobody is there any more
        yield
        path.unlink()


def _begin(log: Path, reserves: Iterable[Path]) -> None:
    """Make the file of a record, with the room that most records need."""
    try:
        with open(log, "ab", opener=private) as file:
            reserve.allocate(file.fileno())
    except OSError as error:
        if error.errno not in reserve.FULL:
            raise
        reserve.take(reserves, log)


def forget(transaction: Transaction) -> None:
    """Remove all of a transaction that was not started, also the directories that were made for it."""
    shutil.rmtree(transaction.path)
    forget_empty(transaction.layout)


def forget_empty(layout: Layout) -> None:
    """Remove the directories of transactions where nothing is in them."""
    for path in (layout.transactions, layout.state):
        with contextlib.suppress(OSError):  # there is something in it, or it is not there
            path.rmdir()


def _with_directory(layout: Layout, environment: str) -> Transaction:
    """A transaction with a new directory, and an id that no other transaction has."""
    while True:
        make_private(layout.state)
        layout.transactions.mkdir(mode=0o700, exist_ok=True)
        transaction = Transaction(new_id(environment), layout)
        try:
            transaction.path.mkdir(mode=0o700)
        except FileExistsError:  # two of one second got the same random part
            continue
        except FileNotFoundError:  # another refused change has just removed the empty directory
            continue
        return transaction


def of(environment: Environment) -> Iterator[Transaction]:
    """The transactions of an environment that the node remembers, oldest first."""
    known = _known(environment.layout)
    return (item for item, request in known if request["environment"] == environment.name)


def ended(layout: Layout) -> list[Transaction]:
    """The transactions of all environments that have a result, oldest first."""
    return [item for item, _ in _known(layout) if item.result is not None]


def _known(layout: Layout) -> Iterator[tuple[Transaction, dict[str, Any]]]:
    """All transactions that the node remembers, oldest first, with their requests."""
    if layout.transactions.is_dir():
        for path in sorted(layout.transactions.iterdir()):
            try:
                request = _read((path / "request.json").read_bytes()) or {}
            except FileNotFoundError:  # not staged yet, or just forgotten
                continue
            if set(request) >= WHOLE:
                yield Transaction(path.name, layout), request


def never_begun(layout: Layout) -> list[Transaction]:
    """Those that nobody can start any more: whoever brought their data died before. They hold secrets."""
    paths = layout.transactions.iterdir() if layout.transactions.is_dir() else ()
    items = [Transaction(path.name, layout) for path in sorted(paths)]
    return [item for item in items if not (_events(item) - {"cancel"}) and _is_left(item)]


def _events(transaction: Transaction) -> set[str]:
    return {entry["event"] for entry in transaction.entries()}


def is_about_to_start(transaction: Transaction) -> bool:
    """Whether the data of a transaction is there, and its unit starts in a moment."""
    is_coming = (transaction.path / STAGING).exists()
    return not is_coming and not transaction.entries("attempt") and not _is_left(transaction)


def _is_left(transaction: Transaction) -> bool:
    """Whether nobody brings the data of a transaction: its lock is free, or no lock is there for an hour."""
    try:
        with (transaction.path / STAGING).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return True
    except BlockingIOError:
        return False
    except FileNotFoundError:  # not staged yet, or staged and about to be started, or of an earlier version
        with contextlib.suppress(FileNotFoundError):
            return time.time() - transaction.path.stat().st_mtime > FORGOTTEN
        return False


def _boot() -> str:
    """The id of this boot: see random(4)."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _read(text: bytes) -> dict[str, Any] | None:
    """A JSON object; None for what is not a whole one."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def private(path: str, flags: int) -> int:
    """For `open`: a new file that its owner alone can read."""
    return os.open(path, flags | os.O_CLOEXEC, 0o600)
