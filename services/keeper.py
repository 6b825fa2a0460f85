"""The log and the read models, open in two threads, and whether they can be used.

Everything that writes runs in one thread, in order; it has the log's appending connection, and takes all that
waits to the disk at once. Everything that only reads runs in others, with connections of their own: no reader
waits for the disk to sync, or for another reader.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from services.durations import COMMIT_BOUNDS, Durations
from services.errors import HelionyxError
from services.event_log import Append, DamagedError, Draft, Flaw, Head, LostError, Outcome, Record
from services.event_log.group import GroupCommit
from services.event_log.guard import Guard
from services.opened import Opened
from services.readers import Readers
from services.refusals import NotReadyError
from services.threads import in_thread
from services.upkeep import Upkeep, repeat
from services.witnesses import Witnesses

logger = logging.getLogger("helionyx")

T = TypeVar("T")

Rule = Callable[[Opened], Exception | None]
"""Why something is not to be appended, as things stand; None where it is."""

CLOSED = "the service has stopped"

PATIENCE_SECONDS = 10.0
"""How long a use case waits for the log to be open: who comes early is answered late, and not refused."""

LOOKED_AT_FIRST = 100
"""How many records at the log's end are proven before the service is ready."""

NOTES_IN_A_ROW = 20
"""How many starts and stops of one release are noted at once, where nothing is said between them. A process
that ends whenever it has begun, each second, would fill the disk with them, in a log that never forgets."""

FOLLOW_SECONDS = 1.0
"""How often it is looked whether the log is still there, and whether the read models are behind it."""


class Keeper:
    """One log with its read models. Nothing is opened before `open`. For use in one event loop."""

    def __init__(
        self, event_store: Path, projections: Path, *, rehearsal: bool, node_head: Path | None = None
    ) -> None:
        """`node_head` is the file in which the node notes the log's last head, where it does."""
        self._places = (event_store, projections)
        self._witnesses = Witnesses(event_store, projections, node_head)
        self._rehearsal = rehearsal
        self._writer = ThreadPoolExecutor(1, "writer")
        self._readers = Readers(lambda: self._open_both(read_only=True, shared=True))
        self._group = GroupCommit(self._commit, self._writer)
        self.commits = Durations(COMMIT_BOUNDS)
        """How long each commit of the log waited for the disk."""
        self._guard = Guard()
        self._upkeep = Upkeep()
        self._first: Draft | None = None
        """What is appended in front of everything else, as long as it is not in the log."""
        self._begun = False
        self._writing: Opened | None = None
        self._closing = threading.Event()
        self._settled = asyncio.Event()
        self._reason: str | None = "the event log is being opened"

    @property
    def not_ready(self) -> str | None:
        """Why the service cannot be used at the moment, or None if it can."""
        return CLOSED if self._closing.is_set() else self._guard.broken or self._reason

    async def open(self, first: Draft | None = None) -> None:
        """Open the log, and bring the read models up to its end.

        What is appended from here on comes behind `first`: it is appended at once if the disk takes it, and
        else together with what the disk takes first. A damaged log is opened for reading, as far as it can be
        read, and `not_ready` says so.

        Raises HelionyxError, and NotReadyError where `close` is called before this is done.
        """
        self._first = None if self._rehearsal else first
        try:
            await self._run(self._writer, self._open_writing)
            self._unless_closing()
            await self._readers.read(lambda _: None)  # what cannot be opened is told now
        except HelionyxError as error:
            self._reason = error.message
            raise
        finally:
            self._settled.set()
        self._upkeep.begin(self._guard.patrol(self._check))
        if not self._rehearsal:
            self._upkeep.begin(repeat(self._look_after, FOLLOW_SECONDS))

    async def close(self, last: Draft | None = None) -> None:
        """Finish what was begun, append `last` if anything was appended here, and let go of the files."""
        self._closing.set()
        self._settled.set()
        self._upkeep.cancel()
        await self._group.finish()
        if last is not None:
            await in_thread(self._writer, lambda: self._note_last(last))
        await self._readers.close()  # before the last note: one of them may be writing the same
        await in_thread(self._writer, lambda: self._note_head(self._writing))
        await in_thread(self._writer, lambda: _close(self._writing))
        self._writer.shutdown()

    async def append(
        self, drafts: Sequence[Draft], subject: Hashable = None, rule: Rule | None = None
    ) -> tuple[Record, ...]:
        """Append, and answer when it is durable. Raises what EventLog.append raises, and NotReadyError.

        `rule` is asked in the transaction, with the read models at the log's end, and what it says is raised:
        what it looks at is named by `subject`, so that nothing else is appended about that meanwhile.
        """
        await self._until_open()
        self._unless_broken()
        refused = (lambda: None) if rule is None else (lambda: self._refused(rule))
        return await self._group.append(Append(drafts, None, subject, refused))

    async def read(self, job: Callable[[Opened], T], *, quick: bool = False) -> T:
        """Run `job` in a reading thread; a `quick` job waits for no others. Raises NotReadyError."""
        await self._until_open()
        try:
            return await self._readers.read(job, quick=quick)
        except DamagedError as error:
            self._guard.found(error.message)
            raise NotReadyError(str(self._guard.broken), self._guard.hint) from error

    async def read_models(self, job: Callable[[Opened], T]) -> T:
        """The same, for who wants the read models at the log's end. Raises NotReadyError where they are not.

        On a damaged log they are as they are, and `not_ready` says so.
        """
        await self._until_open()
        if self._reason is not None and self._guard.broken is None:
            raise NotReadyError(self._reason, "try again later")
        return await self.read(job)

    async def follow(self) -> None:
        """Bring the read models up to the log's end."""
        await self._until_open()
        await self._run(self._writer, lambda: self._follow(_ready(self._writing)))

    def _open_writing(self) -> None:
        try:
            heads = self._witnesses.heads(read_models=not self._rehearsal)
            self._writing = self._open_both(read_only=self._rehearsal, begin=not heads)
            self._witnesses.refuse_other_log(self._writing.log, heads)
            flaw = self._writing.log.flaw_at_end(LOOKED_AT_FIRST)
            if flaw is not None:
                self._guard.found(str(flaw))
                return
            self._reason = "the projections are catching up"
            self._writing.catch_up_first(self._closing.is_set)
            self._reason = None
            self._note_first(self._writing)
            self._note_head(self._writing)
        except DamagedError as error:
            self._guard.found(error.message)
            self._writing = self._writing or self._open_both(read_only=True)
        except LostError as error:
            self._guard.found(error.message, lost=True)
            _close(self._writing)
            self._writing = self._open_both(read_only=True)

    def _open_both(self, *, read_only: bool, begin: bool = False, shared: bool = False) -> Opened:
        """Both of them; `shared`, as by a reader, while the writer has the read models open."""
        shared = shared or self._rehearsal
        return Opened.open(*self._places, read_only=read_only, begin=begin, shared=shared)

    def _commit(self, appends: Sequence[Append]) -> Sequence[Outcome]:
        opened = _ready(self._writing)
        self._unless_broken()
        ruled = any(wanted.subject is not None for wanted in appends)
        first = [Append([self._first])] if self._first is not None else []
        try:
            outcomes = opened.log.append_each(
                [*first, *appends], lambda: self._follow(opened) if ruled else None, self.commits.add
            )
        except DamagedError as error:
            self._guard.found(error.message)
            self._unless_broken()
            raise
        self._unless_gone(opened)
        if first and isinstance(outcomes[0], Exception):
            logger.error("this start is not noted in the log", exc_info=outcomes[0])
        elif first:
            self._first, self._begun = None, True
        self._follow(opened)
        return outcomes[len(first) :]

    def _note_first(self, opened: Opened) -> None:
        if self._first is None or self._closing.is_set():
            return
        if opened.ends_with_notes_like(self._first, NOTES_IN_A_ROW):
            logger.info("this start is noted together with what is said next, if anything is")
        else:
            self._note([])

    def _note_last(self, last: Draft) -> None:
        if self._begun:  # known in this thread alone: a start may just have been noted
            self._note([Append([last])])

    def _note(self, appends: Sequence[Append]) -> None:
        """Append what nobody waits for: a service that cannot write serves what it has."""
        try:
            self._commit(appends)
        except HelionyxError as error:
            logger.warning("this start or stop is not noted in the log: %s", error.message)

    def _note_head(self, opened: Opened | None) -> None:
        """Note the head of the log outside of it, where the log is known to be the right one."""
        if opened is not None and self._guard.broken is None and not self._rehearsal:
            self._witnesses.note(opened.log)

    def _refused(self, rule: Rule) -> Exception | None:
        if self._reason is not None:  # nobody knows how things stand
            return NotReadyError(self._reason, "try again later")
        try:
            return rule(_ready(self._writing))
        except HelionyxError as error:  # of this one alone, and a repeat of it has its answer all the same
            return error

    def _follow(self, opened: Opened) -> None:
        try:
            opened.projections.catch_up(opened.log)
            self._reason = None
        except Exception as error:  # an event is durable all the same: its caller must hear so
            first, self._reason = self._reason is None, "the projections cannot follow the log"
            if isinstance(error, HelionyxError):
                self._reason += f": {error.message}"
            if first:
                logger.exception("the projections cannot follow the log")

    async def _look_after(self) -> None:
        """Check that the log is still where it was opened, and let the read models follow every append."""
        self._unless_broken()
        await self.read(lambda _: self._unless_gone(_ready(self._writing)))
        await self.read(self._note_head)
        if self._reason is not None or await self.read(Opened.is_behind):
            await self.follow()

    async def _check(self, start: Head, size: int) -> tuple[Head, Flaw | None]:
        self._unless_closing()
        return await self._readers.read(lambda opened: opened.log.check(start, size, keys=True))

    async def _until_open(self) -> None:
        if not self._settled.is_set():
            try:
                await asyncio.wait_for(self._settled.wait(), PATIENCE_SECONDS)
            except TimeoutError:
                raise NotReadyError(f"the service is not ready: {self._reason}", "try again later") from None
        self._unless_closing()

    async def _run(self, executor: ThreadPoolExecutor, job: Callable[[], T]) -> T:
        self._unless_closing()
        return await in_thread(executor, job)

    def _unless_broken(self) -> None:
        if self._guard.broken is not None:
            raise NotReadyError(self._guard.broken, self._guard.hint)

    def _unless_gone(self, opened: Opened) -> None:
        """Raise NotReadyError where what was appended is in files that no start would find."""
        loss = opened.log.loss()
        if loss is not None:
            self._guard.found(loss, lost=True)
            self._unless_broken()

    def _unless_closing(self) -> None:
        if self._closing.is_set():
            raise NotReadyError(CLOSED, "try again in a moment")


def _ready(opened: Opened | None) -> Opened:
    if opened is None:
        raise NotReadyError("the event log is not open", "try again in a moment")
    return opened


def _close(opened: Opened | None) -> None:
    if opened is not None:
        opened.close()
