"""What a restore means for the log that is there, as far as it is known before anything is touched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import copies
from .copies import Copy
from .tables import count


def judged(log: dict[str, Any], copy: Copy | None, root: Path) -> dict[str, Any]:
    """What the node says of it, and whether the log that is there begins the copy, which only we can see."""
    there = log["there"]
    if copy is None or not there or log["said"] <= there:
        return log
    return {**log, "begins": copies.head_at(copy, there, root) == log["there_head"]}


def words(environment: str, log: dict[str, Any]) -> str:
    """What becomes of the log that is there, and where it is damaged, as far as that could be told."""
    flaw = str(log.get("flaw") or "").rstrip(".")
    if not flaw:
        return _becomes(environment, log)
    return f"{_becomes(environment, log)}; that log does not verify: {flaw}"


def _becomes(environment: str, log: dict[str, Any]) -> str:
    there, newer = log["there"], log["newer"]
    if there is None:
        return f"the log of {environment} is damaged, and is put aside as it is"
    if newer:
        are = _are(newer)
        return f"{count(newer)} of {environment} {are} newer than what is restored, and {are} put aside"
    aside = f"{count(log['aside'])} {_are(log['aside'])} put aside"
    if log["said"] <= there and newer is None:
        return f"what is restored is no part of the log of {environment}: its {aside}"
    if there and log.get("begins") is False:
        return f"what is restored is another log than that of {environment}, whose {aside}"
    return f"the log of {environment}, {count(log['aside'])}, is put aside"


def _are(events: int) -> str:
    return "is" if events == 1 else "are"
