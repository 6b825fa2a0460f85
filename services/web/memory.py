"""The memory of this process."""

from __future__ import annotations

from pathlib import Path


def resident_mebibytes() -> int | None:
    """The resident memory in MiB; None where the system does not say."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    sizes = [line.split()[1] for line in lines if line.startswith("VmRSS:")]
    return int(sizes[0]) // 1024 if sizes else None
