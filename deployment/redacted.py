"""What a redaction changes, for people: what is foreseen, and what is left for the operator to do."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

FEW = 10  # positions that are listed


def foreseen(environment: str, found: dict[str, Any]) -> str:
    """What will be changed, as the question before it says."""
    return f"the words of {_events(found['changed'])} of {environment} are replaced for good"


def remarks(result: dict[str, Any]) -> Iterator[str]:
    """Where the words still are, as far as that is known, and what to do about each."""
    name, position = result["environment"], result["position"]
    for other in result["elsewhere"]:
        yield (f"the same words are in event {other} too: make redact ENV={name} POSITION={other} REASON=...")
    for archived in result["archived"]:
        yield f"the archived log {archived} holds them; delete it, as root on the node: rm -r {archived}"
    for backup in result["backups"]:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(backup["at"]))
        yield f"the backup of {when} by {backup['by']}, {backup['position']} events, holds them: delete it"
    if result["backups"]:
        yield (
            f"or redact a backup: .venv/bin/python -m services.event_log redact --store DIR {position} REASON"
        )


def summary(result: dict[str, Any]) -> str:
    """The line for a redaction."""
    done = f"{_events(result['changed'])} of {result['environment']} redacted, noted at {result['at']}"
    return f"{done}; old head {result['old_head'][:16]}, new head {result['new_head'][:16]}"


def _events(positions: Sequence[int]) -> str:
    shown = ", ".join(map(str, positions[:FEW])) + (", ..." if len(positions) > FEW else "")
    return f"event {shown}" if len(positions) == 1 else f"{len(positions)} events ({shown})"
