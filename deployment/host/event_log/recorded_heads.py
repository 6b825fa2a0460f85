"""The heads of event logs that the audit recorded: what each log must still have. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..values.layout import Environment


@dataclass(frozen=True)
class RecordedHead:
    """The end of an event log, as one line of the audit recorded it."""

    line: int  # its number in the audit
    position: int
    hash: str


def recorded_heads(lines: Iterable[Mapping[str, Any]], environment: Environment) -> list[RecordedHead]:
    """The heads that the environment's log must have in its chain, oldest first.

    A restore and a removal with the data begin another log. A redaction changes the hash of its event and of
    all behind it. A line that somebody has damaged records nothing: the chain's check names it.
    """
    heads: list[RecordedHead] = []
    for number, line in enumerate(lines, start=1):
        if line.get("environment") != environment.name or line.get("event") != "end":
            continue
        if line.get("deleted") or _begins_another_log(line):
            heads = []
        match line:
            case {"redacted": {"position": int(first)}}:
                heads = [head for head in heads if head.position < first]
        match line:
            case {"position": int(position), "head": str(digest)} if position and not line.get("deleted"):
                heads.append(RecordedHead(number, position, digest))
    return heads


def first_missing(
    heads: Iterable[RecordedHead], hashes: Mapping[int, str | None]
) -> tuple[RecordedHead, str | None] | None:
    """The first head that the log has not, and the hash that it has there; None when it has all."""
    for head in heads:
        if hashes.get(head.position) != head.hash:
            return head, hashes.get(head.position)
    return None


def _begins_another_log(line: Mapping[str, Any]) -> bool:
    """Whether the log may be another one since: after a restore, unless it failed or was refused."""
    return line.get("verb") == "restore" and line.get("outcome") not in ("failed", "refused")
