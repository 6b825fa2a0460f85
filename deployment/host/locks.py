"""One change at a time: flock, which dies with its holder and needs no clearing up."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from . import record
from .errors import Busy
from .layout import Layout


@contextmanager
def environment_lock(layout: Layout, name: str, holder: dict[str, Any]) -> Iterator[None]:
    """Hold an environment for a whole transaction, or be refused with the name of who holds it."""
    with _opened(layout, name) as descriptor:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise busy(name, _held(layout, descriptor)) from None
        _write(descriptor, {**holder, "since": time.time()})
        try:
            yield
        finally:
            _write(descriptor, {})


@contextmanager
def host_lock(layout: Layout) -> Iterator[None]:
    """Hold what the environments share (audit, layers) for a moment; waits for its turn."""
    with _opened(layout, "host") as descriptor:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield


def holder(layout: Layout, name: str) -> dict[str, Any] | None:
    """Who holds an environment now; None when nobody does. Whoever looks leaves no file behind."""
    try:
        file = (layout.locks / f"{name}.lock").open("rb")
    except FileNotFoundError:
        return None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _held(layout, file.fileno())
        return None


def busy(name: str, held: dict[str, Any]) -> Busy:
    """The refusal that names who is at work, on what, for how long, and how far it has come."""
    who = f"{held.get('actor', 'somebody')} ({held.get('verb', 'a change')})"
    which = held.get("transaction", "?")
    age = max(0.0, time.time() - float(held.get("since", time.time())))
    phase = f", now at: {held['phase']}" if held.get("phase") else ""
    return Busy(
        f"{name} is being changed by {who} since {age:.0f} s{phase}; transaction {which}.",
        f"wait for it to end; `make status ENV={name}` shows what runs",
    )


@contextmanager
def _opened(layout: Layout, name: str) -> Iterator[int]:
    layout.locks.mkdir(mode=0o755, parents=True, exist_ok=True)
    descriptor = os.open(layout.locks / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _held(layout: Layout, descriptor: int) -> dict[str, Any]:
    found = _read(descriptor)
    steps = record.get(layout, found["transaction"]).entries("step") if "transaction" in found else []
    return {**found, "phase": steps[-1]["title"] if steps else ""}


def _read(descriptor: int) -> dict[str, Any]:
    try:
        found = json.loads(os.pread(descriptor, 65536, 0) or b"{}")
    except ValueError:  # caught between its truncation and its write
        return {}
    return found if isinstance(found, dict) else {}


def _write(descriptor: int, content: dict[str, Any]) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(content).encode(), 0)
