"""The effects of a redaction in plain text: the forecast, and the work that remains for the operator."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..host.values.layout import Environment

FEW = 10  # positions that are listed


def foreseen(environment: str, positions: Sequence[int]) -> str:
    """The coming changes, for the question before a redaction."""
    return f"the words of {_events(positions)} of {environment} are replaced for good"


def remarks(result: Mapping[str, Any]) -> Iterator[str]:
    """The known places that still hold the words, each with the remedy."""
    name, position = result["environment"], result["position"]
    for other in result["elsewhere"]:
        yield (f"the same words are in event {other} too: make redact ENV={name} POSITION={other} REASON=...")
    for archived in result["archived"]:
        delete = f"as root on the node: runuser -u {Environment(name).user} -- rm -r {archived}"
        yield f"the archived log {archived} holds them; delete it, {delete}"
    for backup in result["backups"]:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(backup["at"]))
        yield f"the backup of {when} by {backup['by']}, {backup['position']} events, holds them: delete it"
    if result["backups"]:
        yield (
            f"or redact a backup: .venv/bin/python -m services.event_log redact --store DIR {position} REASON"
        )


def summary(result: Mapping[str, Any]) -> str:
    """The line for a redaction."""
    done = f"{_events(result['changed'])} of {result['environment']} redacted, noted at {result['at']}"
    return f"{done}; old head {result['old_head'][:16]}, new head {result['new_head'][:16]}"


def already(result: Mapping[str, Any]) -> str:
    """The line for a redaction of a redacted event."""
    return f"nothing to do: this event of {result['environment']} is redacted already"


def _events(positions: Sequence[int]) -> str:
    shown = ", ".join(map(str, positions[:FEW])) + (", ..." if len(positions) > FEW else "")
    return f"event {shown}" if len(positions) == 1 else f"{len(positions)} events ({shown})"
