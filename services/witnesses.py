"""The known earlier heads of an environment's log: ADR 13."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

from services.event_log.errors import EventLogError, LostError
from services.event_log.last_head import LastHead
from services.event_log.log import EventLog
from services.event_log.summary import Head
from services.projections.progress import head_of

logger = logging.getLogger("helionyx")


class Witnesses:
    """The service's own file, the read models, and the node's file where the unit names one."""

    def __init__(self, event_store: Path, projections: Path, node: Path | None) -> None:
        self._store = event_store
        self._own = LastHead.beside(event_store)
        self._projections = projections
        self._node = LastHead(node) if node else None
        self._can_write = True

    def heads(self, *, read_models: bool) -> list[Head]:
        """All known heads; with `read_models`, the head that the read models have reached too."""
        heads = [self._own.read(), self._node.read() if self._node else None]
        progress = head_of(self._projections) if read_models else None
        if progress is not None and progress.position:
            heads.append(progress)
        return [head for head in heads if head is not None]

    def refuse_other_log(self, log: EventLog, heads: Iterable[Head]) -> None:
        """Raise `LostError` unless each of these heads is in the chain, or was until a redaction."""
        for known in heads:
            digest = log.hash_at(known.position)
            if digest == known.hash or _is_redacted(log, known):
                continue
            if digest is None:
                end = log.head().position
                raise LostError(f"the log in {self._store} ends at position {end}, and had {known.position}")
            raise LostError(
                f"{self._store} has another log: at position {known.position} expected {known.hash[:16]},"
                f" found {digest[:16]}"
            )

    def note(self, log: EventLog) -> None:
        """Write the service's own file. A disk that refuses it is no reason to stop recording."""
        try:
            self._own.write(log.head())
            self._can_write = True
        except (OSError, EventLogError) as error:
            if self._can_write:
                logger.warning("could not record the last head of the log: %s", error)
            self._can_write = False


def _is_redacted(log: EventLog, known: Head) -> bool:
    """Whether the log says that it ended so before some of its words were replaced."""
    from services.event_redaction import notes  # a start that finds its log does without

    return any((done.at - 1, done.event.old_head) == known for done in notes(log))
