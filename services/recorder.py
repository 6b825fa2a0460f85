"""The work of the writing thread: open, append, and let the read models follow."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event

from services.durations import COMMIT_BOUNDS, Durations
from services.errors import HelionyxError
from services.event_log.backend import Backend
from services.event_log.errors import DamagedError, LostError
from services.event_log.log import Outcome
from services.event_log.records import Append, Entry
from services.event_log.scrubber import Scrubber
from services.open_storage import OpenStorage
from services.projections.database import FullDiskProjectionsError
from services.refusals import NotReadyError
from services.space import Space
from services.witnesses import Witnesses

logger = logging.getLogger("helionyx")

Rule = Callable[[OpenStorage], Exception | None]
"""Returns the error that refuses an append in the present state, or None."""

LOOKED_AT_FIRST = 100
"""The number of records at the log's end that are verified before the service is ready."""

NOTES_IN_A_ROW = 20
"""The most starts and stops of one release in a row, with no other event between them. A process
that ends whenever it has begun, each second, would fill the disk with them, in a log that never forgets."""


class Recorder:
    """The log with its read models, open for writing, and the reason why they cannot be used."""

    def __init__(
        self,
        backend: Backend,
        projections: Path,
        closing: Event,
        node_head: Path | None,
        *,
        rehearsal: bool,
        shared: bool = False,
    ) -> None:
        """`closing` is set once nothing is to be begun any more."""
        self._places = (backend, projections)
        self._witnesses = Witnesses(backend.store, projections, node_head)
        self._rehearsal = rehearsal
        self._shared = shared or rehearsal
        self._appended = 0
        self._closing = closing
        self.commits = Durations(COMMIT_BOUNDS)
        """The seconds that each commit of the log waited for the disk."""
        self.scrubber = Scrubber()
        self.space = Space(backend, projections)
        self.first: Entry | None = None
        """The event to append before all others, until it is in the log."""
        self._begun = False
        self._writing: OpenStorage | None = None
        self.reason: str | None = "the event log is being opened"

    def open(self) -> None:
        """Open the log, and bring the read models up to its end. Raises HelionyxError."""
        try:
            heads = self._witnesses.heads(read_models=not self._rehearsal)
            self._writing = self.open_both(read_only=self._rehearsal, begin=not heads)
            self._witnesses.refuse_other_log(self._writing.log, heads)
            flaw = self._writing.log.flaw_at_end(LOOKED_AT_FIRST)
            if flaw is not None:
                self.scrubber.report(str(flaw))
                return
            self.reason = "the projections are catching up"
            self._catch_up_first(self._writing)
            self.reason = None
            self._note_first(self._writing)
            self._note_head(self._writing)
            if not self._rehearsal:
                self.space.look()
        except DamagedError as error:
            self.scrubber.report(error.message)
            self._writing = self._writing or self.open_both(read_only=True)
        except LostError as error:
            self.scrubber.report(error.message, lost=True)
            self._close()
            self._writing = self.open_both(read_only=True)

    def _catch_up_first(self, storage: OpenStorage) -> None:
        """Bring the read models up to the log's end, or as far as a full disk has them."""
        if storage.full is not None:
            self.space.block(storage.full)
        try:
            storage.catch_up_first(self._closing.is_set)
        except FullDiskProjectionsError as error:
            if not storage.projections.position():
                raise
            self.space.block(error)

    def open_again(self) -> None:
        """Open for appending what is open for reading alone, once the disk has room."""
        self._close()
        self.space.unblock()
        try:
            self.open()
        except HelionyxError as error:
            self._close()
            self.space.block(error)
            self._writing = self.open_both(read_only=True)
            self.reason = None

    def open_both(self, *, read_only: bool, begin: bool = False, shared: bool = False) -> OpenStorage:
        """Both of them; `shared`, as by a reader, while the writer has the read models open."""
        shared = shared or self._shared
        reading = shared and self._writing is not None and self._writing.full is not None
        places = self._places
        return OpenStorage.open(*places, read_only=read_only, begin=begin, shared=shared, reading=reading)

    def commit(self, appends: Sequence[Append]) -> Sequence[Outcome]:
        """Append, and let the read models follow. Raises NotReadyError, and as EventLog.append_each."""
        storage = self._opened()
        self.unless_broken()
        self.space.refuse()
        ruled = any(append.subject is not None for append in appends)
        first = [Append([self.first])] if self.first is not None else []
        projected = storage.projections.position()
        try:
            outcomes = storage.log.append_each(
                [*first, *appends], lambda: self._follow(storage) if ruled else None, self.commits.add
            )
        except DamagedError as error:
            self.scrubber.report(error.message)
            self.unless_broken()
            raise
        # Behind what another process has appended meanwhile, a reader has to follow the log as well.
        if _begin_of(outcomes) == projected + 1:
            self._appended = max([self._appended, *map(_end_of, outcomes)])
        self._unless_gone(storage)
        if first and isinstance(outcomes[0], Exception):
            logger.error("this start could not be recorded", exc_info=outcomes[0])
        elif first:
            self.first, self._begun = None, True
        self._follow(storage)
        return outcomes[len(first) :]

    def _note_first(self, storage: OpenStorage) -> None:
        if self.first is None or self._closing.is_set():
            return
        if storage.ends_with_notes_like(self.first, NOTES_IN_A_ROW):
            logger.info(
                "the last %d events are starts and stops: only another event records this start",
                NOTES_IN_A_ROW,
            )
        else:
            self._note([])

    def note_last(self, last: Entry) -> None:
        """Append `last` if anything was appended here."""
        if self._begun:  # known in this thread alone: a start may just have been noted
            self._note([Append([last])])

    def _note(self, appends: Sequence[Append]) -> None:
        """Append what nobody waits for: a service that cannot write serves what it has."""
        try:
            self.commit(appends)
        except HelionyxError as error:
            logger.warning("this start or stop could not be recorded: %s", error.message)

    def _note_head(self, storage: OpenStorage | None) -> None:
        """Note the head of the log outside of it, where the log is known to be the right one."""
        if storage is not None and self.scrubber.broken is None and not self._rehearsal:
            self._witnesses.note(storage.log)

    def refused(self, rule: Rule) -> Exception | None:
        """The error that refuses an append in the present state, None without one."""
        if self.reason is not None:  # nobody knows how things stand
            return NotReadyError(self.reason, "try again later")
        try:
            self.space.refuse()
            return rule(self._opened())
        except HelionyxError as error:  # of this one alone, and a repeat of it has its answer all the same
            return error

    def _follow(self, storage: OpenStorage) -> None:
        try:
            storage.projections.catch_up(storage.log)
            self.reason = None
        except FullDiskProjectionsError as error:  # what they have can be read
            self.space.block(error)
        except Exception as error:  # an event is durable all the same: its caller must hear so
            first, self.reason = self.reason is None, "the projections cannot follow the log"
            if isinstance(error, HelionyxError):
                self.reason += f": {error.message}"
            if first:
                logger.exception("the projections cannot follow the log")

    def unless_broken(self) -> None:
        """Raise NotReadyError where the log is damaged or gone."""
        if self.scrubber.broken is not None:
            raise NotReadyError(self.scrubber.broken, self.scrubber.hint)

    def _unless_gone(self, storage: OpenStorage) -> None:
        """Raise NotReadyError where what was appended is in files that no start would find."""
        loss = storage.log.loss()
        if loss is not None:
            self.scrubber.report(loss, lost=True)
            self.unless_broken()

    def follow(self) -> None:
        """Bring the read models up to the log's end."""
        self._follow(self._opened())

    def is_behind_another(self, storage: OpenStorage) -> bool:
        """Whether another process has appended more than the read models hold, as in a switch.

        What this one appends, they hold before its caller is answered: no reader has to wait for that.
        """
        if self.scrubber.broken is not None or self.space.blocked:
            return False
        end = storage.end().position
        return end > self._appended and end > storage.projections.position()

    def look_around(self, storage: OpenStorage) -> None:
        """Check in a reading thread that the log is where it was opened, and that there is room for more."""
        self._unless_gone(self._opened())
        self._note_head(storage)
        self.space.look()

    def close(self) -> None:
        """Note the head of the log, and let go of the files."""
        self._note_head(self._writing)
        self._close()

    def _opened(self) -> OpenStorage:
        if self._writing is None:
            raise NotReadyError("the event log is not open", "try again in a moment")
        return self._writing

    def _close(self) -> None:
        if self._writing is not None:
            self._writing.close()
            self._writing = None


def _begin_of(outcomes: Sequence[Outcome]) -> int:
    """The position of the first record of all appends; 0 where all failed."""
    positions = [outcome[0].position for outcome in outcomes if not isinstance(outcome, Exception)]
    return min(positions, default=0)


def _end_of(outcome: Outcome) -> int:
    """The position of the last record of an append; 0 for one that failed."""
    return 0 if isinstance(outcome, Exception) else outcome[-1].position
