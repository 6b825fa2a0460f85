"""The log and the read models, open in two threads, and whether they can be used.

Everything that writes runs in one thread, in order; it has the log's appending connection, and takes all that
waits to the disk at once. Everything that only reads runs in others, with connections of their own: no reader
waits for the disk to sync, or for another reader.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from services.errors import HelionyxError
from services.event_log.backend import Backend
from services.event_log.chain import Flaw
from services.event_log.errors import DamagedError
from services.event_log.group import GroupCommit
from services.event_log.records import Append, Entry, Record
from services.event_log.summary import Head
from services.open_storage import OpenStorage
from services.readers import Readers
from services.recorder import Recorder, Rule
from services.refusals import NotReadyError
from services.threads import in_thread
from services.upkeep import Upkeep, repeat

T = TypeVar("T")

CLOSED = "the service has stopped"

PATIENCE_SECONDS = 10.0
"""The time that a use case waits for the log to be opened, instead of being refused."""

FOLLOW_SECONDS = 1.0
"""The interval of the checks that the log is still there, and the read models are not behind."""


class Storage:
    """The event log with its read models. Nothing is opened before `open`. For use in one event loop."""

    def __init__(
        self,
        backend: Backend,
        projections: Path,
        node_head: Path | None = None,
        *,
        rehearsal: bool,
        shared: bool = False,
    ) -> None:
        """`node_head` is the file in which the node notes the log's last head, where it does.

        `shared` says that another process may serve from the same read models.
        """
        self._rehearsal = rehearsal
        self._closing = threading.Event()
        self._recorder = Recorder(
            backend, projections, self._closing, node_head, rehearsal=rehearsal, shared=shared
        )
        self.commits = self._recorder.commits
        self._scrubber, self.space = self._recorder.scrubber, self._recorder.space
        self._writer = ThreadPoolExecutor(1, "writer")
        self._readers = Readers(lambda: self._recorder.open_both(read_only=True, shared=True))
        self._group = GroupCommit(self._recorder.commit, self._writer)
        self._upkeep = Upkeep()
        self._settled = asyncio.Event()

    @property
    def not_ready(self) -> str | None:
        """The reason why the service cannot be used at the moment; None if it can."""
        return CLOSED if self._closing.is_set() else self._scrubber.broken or self._recorder.reason

    async def open(self, first: Entry | None = None) -> None:
        """Open the log, and bring the read models up to its end.

        `first` is appended before all other events: at once if the disk takes it, else with the first append
        that it takes. A damaged log is opened for reading, and `not_ready` has the reason.

        Raises HelionyxError, and NotReadyError where `close` is called before this is done.
        """
        self._recorder.first = None if self._rehearsal else first
        try:
            await self._run(self._writer, self._recorder.open)
            self._unless_closing()
            await self._readers.read(lambda _: None)  # raises what cannot be opened
        except HelionyxError as error:
            self._recorder.reason = error.message
            raise
        finally:
            self._settled.set()
        self._upkeep.begin(self._scrubber.run(self._check))
        if not self._rehearsal:
            self._upkeep.begin(repeat(self._look_after, FOLLOW_SECONDS))

    async def close(self, last: Entry | None = None) -> None:
        """Finish what was begun, append `last` if anything was appended here, and let go of the files."""
        self._closing.set()
        self._settled.set()
        self._upkeep.cancel()
        await self._group.finish()
        if last is not None:
            await in_thread(self._writer, lambda: self._recorder.note_last(last))
        await self._readers.close()  # before the last note: one of them may be writing the same
        await in_thread(self._writer, self._recorder.close)
        self._writer.shutdown()

    async def append(
        self, drafts: Sequence[Entry], subject: Hashable = None, rule: Rule | None = None
    ) -> tuple[Record, ...]:
        """Append, and return when it is durable. Raises what EventLog.append raises, and NotReadyError.

        `rule` is called in the transaction, with the read models at the log's end; the error that it returns
        is raised. `subject` names what it reads: no other append about that shares the transaction.
        """
        await self._until_open()
        self._recorder.unless_broken()
        refused = (lambda: None) if rule is None else (lambda: self._recorder.refused(rule))
        return await self._group.append(Append(drafts, subject, refused))

    async def read(self, job: Callable[[OpenStorage], T], *, quick: bool = False) -> T:
        """Run `job` in a reading thread; a `quick` job waits for no others. Raises NotReadyError."""
        await self._until_open()
        try:
            return await self._readers.read(job, quick=quick)
        except DamagedError as error:
            self._scrubber.report(error.message)
            raise NotReadyError(str(self._scrubber.broken), self._scrubber.hint) from error

    async def read_models(self, job: Callable[[OpenStorage], T]) -> T:
        """Run `job` with the read models at the log's end. Raises NotReadyError where they are behind.

        On a damaged log they may be behind, and `not_ready` has the reason.
        """
        await self._until_open()
        if self._recorder.reason is not None and self._scrubber.broken is None:
            raise NotReadyError(self._recorder.reason, "try again later")

        def look(storage: OpenStorage) -> tuple[T] | None:
            return None if self._recorder.is_behind_another(storage) else (job(storage),)

        answer = await self.read(look)
        if answer is not None:
            return answer[0]
        await self.follow()
        return await self.read(job)

    async def follow(self) -> None:
        """Bring the read models up to the log's end."""
        await self._until_open()
        await self._run(self._writer, self._recorder.follow)

    async def _look_after(self) -> None:
        """Check that the log is still where it was opened, and let the read models follow every append."""
        self._recorder.unless_broken()
        await self.read(self._recorder.look_around)
        if self.space.blocked:
            if self.space.has_room():
                await self._run(self._writer, lambda: self._readers.renew(self._recorder.open_again))
        elif self._recorder.reason is not None or await self.read(OpenStorage.is_behind):
            await self.follow()

    async def _check(self, start: Head, size: int) -> tuple[Head, Flaw | None]:
        self._unless_closing()
        return await self._readers.read(lambda storage: storage.log.check(start, size, keys=True))

    async def _until_open(self) -> None:
        if not self._settled.is_set():
            try:
                await asyncio.wait_for(self._settled.wait(), PATIENCE_SECONDS)
            except TimeoutError:
                reason = f"the service is not ready: {self._recorder.reason}"
                raise NotReadyError(reason, "try again later") from None
        self._unless_closing()

    async def _run(self, executor: ThreadPoolExecutor, job: Callable[[], T]) -> T:
        self._unless_closing()
        return await in_thread(executor, job)

    def _unless_closing(self) -> None:
        if self._closing.is_set():
            raise NotReadyError(CLOSED, "try again in a moment")
