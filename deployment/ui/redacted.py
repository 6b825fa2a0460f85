"""The effects of a redaction in plain text: the forecast, and the work that remains for the operator."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from ..host.values.layout import Environment
from .results import Changed

FEW = 10  # positions that are listed


def foreseen(environment: str, positions: Sequence[int]) -> str:
    """The coming changes, for the question before a redaction."""
    return f"the words of {_events(positions)} of {environment} are replaced for good"


def remarks(result: Changed) -> Iterator[str]:
    """The known places that still hold the words, each with the remedy."""
    name, facts = result.environment, result.facts
    for other in facts.elsewhere or ():
        yield f"the same words are in event {other} too: make redact ENV={name} POSITION={other} REASON=..."
    for archived in facts.archived or ():
        delete = f"as root on the node: runuser -u {Environment(name).user} -- rm -r {archived}"
        yield f"the archived log {archived} holds them; delete it, {delete}"
    for backup in facts.backups or ():
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(backup.at))
        yield f"the backup of {when} by {backup.by}, {backup.position} events, holds them: delete it"
    if facts.backups:
        command = f".venv/bin/python -m services.event_log redact --store DIR {facts.position} REASON"
        yield f"or redact a backup: {command}"


def summary(result: Changed) -> str:
    """The line for a redaction."""
    facts = result.facts
    done = f"{_events(facts.changed or ())} of {result.environment} redacted, noted at {facts.at}"
    return f"{done}; old head {str(facts.old_head)[:16]}, new head {str(facts.new_head)[:16]}"


def already(result: Changed) -> str:
    """The line for a redaction of a redacted event."""
    return f"nothing to do: this event of {result.environment} is redacted already"


def _events(positions: Sequence[int]) -> str:
    shown = ", ".join(map(str, positions[:FEW])) + (", ..." if len(positions) > FEW else "")
    return f"event {shown}" if len(positions) == 1 else f"{len(positions)} events ({shown})"
