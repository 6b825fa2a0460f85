"""The end of a transaction: its line in the audit, and its result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..apply import redaction
from ..event_log import loss
from ..event_log.archive_notes import ArchiveNotes
from ..node import reserve
from ..records import audit, verified_releases
from ..records.record import Transaction
from ..releases import releases
from ..values.errors import HostError
from ..values.log import Log
from ..values.request import ResolvedRequest
from .before import Before
from .leftovers import sweep_all
from .recovery import conclude


@dataclass(frozen=True)
class Ending:
    """The end of one transaction."""

    transaction: Transaction
    request: ResolvedRequest
    archive: ArchiveNotes

    def end(self, outcome: str, before: Before, failure: HostError | None) -> None:
        """End the transaction: the audit first, then the result that its operator waits for."""
        sweep_all(self.request.environment)
        after = releases.current(self.request.environment)
        seconds = self.transaction.seconds
        reached = loss.reached(self.request.environment, self.request.verb, outcome)
        log = self._deleted(before) or _end_of(reached)
        audit.append(
            self.transaction.layout,
            event="end",
            transaction=self.transaction.id,
            environment=self.request.environment.name,
            verb=self.request.verb,
            outcome=outcome,
            before=before.release,
            after=after,
            seconds=seconds,
            reason=failure.message if failure else self._reverted,
            **log,
            **redaction.audited_of(self.transaction),
        )
        more = {"before": before.release, "after": after, "seconds": seconds, "state": before.state}
        if outcome == "done":
            more |= self._archive(after)
            if self.request.failed:  # no rollback chooses it
                verified_releases.forget(self.request.environment, self.request.failed)
        conclude(self.transaction, outcome, failure, **more)
        reserve.fill(self.transaction.layout)

    @property
    def _reverted(self) -> str | None:
        """The reason of a rollback that the node itself has begun."""
        return f"reverted by probation: {self.request.reason}" if self.request.failed else None

    def _archive(self, after: str | None) -> dict[str, Any]:
        """The facts about an archived log, if the step that notes them was cut short."""
        if any(entry.get("facts", {}).get("kept") for entry in self.transaction.entries("step")):
            return {}
        release = releases.read_manifest(self.request.environment, after)
        return {"facts": self.archive.facts(release)}

    def _deleted(self, before: Before) -> dict[str, Any]:
        """The audit's fields about deleted data: the end of its log, if that could be read."""
        if not self.transaction.has_begun("delete-data") or self.request.verb != "remove":
            return {}
        return {"deleted": True, **_end_of(before.log)}


def _end_of(log: Log | None) -> dict[str, Any]:
    """The audit's fields about the end of a log."""
    return {"position": log.length, "head": log.head} if log else {}
