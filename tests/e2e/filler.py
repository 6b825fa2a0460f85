"""Runs on the node: fill its disk once a record says certain words, and keep it full until stdin ends.

Arguments: the words, or nothing to begin at once; and "kept" to take each byte that is freed.
"""

import contextlib
import os
import select
import sys
import time
from pathlib import Path

TRANSACTIONS = Path("/var/lib/helionyx-deploy/transactions")
FILL = "/var/fill"  # a file on the disk of the node
LONGEST = 120.0  # seconds
words, kept = sys.argv[1], sys.argv[2] == "kept"


def says(record: Path) -> bool:
    """Whether a record says the words."""
    try:
        return words in record.read_text(errors="replace")
    except FileNotFoundError:
        return False


def has_ended() -> bool:
    """Whether whoever started this has closed stdin."""
    return bool(select.select([sys.stdin], [], [], 0)[0])


def take_all(descriptor: int, size: int) -> int:
    """Let a file grow until the disk is full; its size then."""
    step = 1 << 24
    while step >= 4096:
        try:
            os.posix_fallocate(descriptor, size, step)
            size += step
        except OSError:
            step //= 2
    return size


before = set(TRANSACTIONS.iterdir()) if TRANSACTIONS.exists() else set()
descriptor, size = os.open(FILL, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), 0
print("waiting", flush=True)
end = time.monotonic() + LONGEST
try:
    while words and not has_ended() and time.monotonic() < end:
        with contextlib.suppress(FileNotFoundError):
            if any(says(path / "record.jsonl") for path in set(TRANSACTIONS.iterdir()) - before):
                break
    size = take_all(descriptor, size)
    print("full", flush=True)
    while not has_ended() and time.monotonic() < end:
        if kept:
            size = take_all(descriptor, size)
        else:
            time.sleep(0.01)
finally:
    Path(FILL).unlink()
