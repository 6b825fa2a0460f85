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
    all behind it.
    """
    heads: list[RecordedHead] = []
    for line in lines:
        if line.get("environment") != environment.name or line.get("event") != "end":
            continue
        if line.get("deleted") or _begins_another_log(line):
            heads = []
        redacted = line.get("redacted")
        if redacted:
            heads = [head for head in heads if head.position < int(redacted["position"])]
        if not line.get("deleted") and line.get("position") and line.get("head"):
            heads.append(RecordedHead(int(line["number"]), int(line["position"]), str(line["head"])))
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
