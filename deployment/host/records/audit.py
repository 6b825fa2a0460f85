"""The history of all changes: one JSON line each when a change starts and when it ends, hash-chained.

Who takes a copy of a log is told too, in one line, before the first byte of it leaves the node.

A line's `hash` is the SHA-256 of its canonical JSON without `hash`; `previous` is the hash of the line
before it, and 64 zeros in the first one. A line that was cut off by a power cut is set aside, never
overwritten: the next append moves its bytes to `deployments.jsonl.torn-<offset>`.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from typing import Any

from ..node import reserve
from ..values.digests import canonical, sha256
from ..values.layout import Layout
from ..values.printable import safe
from .locks import host_lock
from .readable_history import publish_changes

GENESIS = "0" * 64


def append(layout: Layout, **entry: Any) -> None:
    """Write one line and wait until it is on disk."""
    layout.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    with host_lock(layout), open(layout.audit, "a+b", opener=_private) as file:
        previous, number = _tail(layout, file)
        line = {"number": number + 1, "at": round(time.time(), 3), **safe(entry), "previous": previous}
        file.write(canonical({**line, "hash": _digest(line)}).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
        with contextlib.suppress(OSError):  # for the next line: this one had room
            reserve.allocate(file.fileno())
        if entry.get("environment"):
            # Under the lock: of two changes at once, the copy of the later one has both.
            publish_changes(layout.of(entry["environment"]), read(layout))


def read(layout: Layout) -> list[dict[str, Any]]:
    """All whole lines, oldest first; one that somebody has damaged is empty, and breaks the chain."""
    if not layout.audit.exists():
        return []
    return [_parse(line) for line in layout.audit.read_bytes().split(b"\n")[:-1]]


def taken_from(layout: Layout, head: str) -> list[str]:
    """The environments whose log ended in this head when a backup of it was taken."""
    lines = [line for line in read(layout) if line.get("verb") == "backup" and line.get("head") == head]
    return sorted({str(line["environment"]) for line in lines})


def first_bad(lines: list[dict[str, Any]]) -> int | None:
    """The number of the first line that does not fit the chain; None when all do."""
    previous = GENESIS
    for index, line in enumerate(lines, start=1):
        content = {key: value for key, value in line.items() if key != "hash"}
        if line.get("previous") != previous or line.get("hash") != _digest(content):
            return index
        previous = line["hash"]
    return None


def _tail(layout: Layout, file: Any) -> tuple[str, int]:
    """Hash and number of the last whole line; a torn one is moved aside first."""
    file.seek(0)
    content = file.read()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        torn = layout.audit.with_name(f"{layout.audit.name}.torn-{whole}")
        with open(torn, "wb", opener=_private) as file_:
            file_.write(content[whole:])
        file.truncate(whole)
    if not whole:
        return GENESIS, 0
    lines = content[:whole].splitlines()
    last = _parse(lines[-1])
    # After a damaged line the chain goes on from its bytes: no change may fail for it.
    return last.get("hash") or sha256(lines[-1]), int(last.get("number") or len(lines))


def _parse(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _digest(line: dict[str, Any]) -> str:
    return sha256(canonical(line).encode())


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)
