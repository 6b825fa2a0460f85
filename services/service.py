"""The use cases, and the threads in which the disk is waited for.

Everything that writes runs in one thread, in order; it has the log's appending connection, and takes all that
waits to the disk at once. Everything that only reads runs in another, with
connections of its own, so that no reader waits for the disk to sync.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from services.answers import Contents, Recorded
from services.domain.commands import Command
from services.domain.decisions import Refusal, State, decide
from services.errors import HelionyxError
from services.event_log import Append, DamagedError, Flaw, Head, Outcome, Record
from services.event_log.errors import RESTORE
from services.event_log.group import GroupCommit
from services.event_log.guard import Guard
from services.event_log.watch import Watch
from services.kept import draft_of, message_of
from services.opened import Opened
from services.projections import Entry, Message, file_of
from services.refusals import NotReadyError, RefusedError, RehearsalError

__all__ = ["Contents", "NotReadyError", "Recorded", "RefusedError", "RehearsalError", "Service"]

logger = logging.getLogger("helionyx")

T = TypeVar("T")

PATIENCE_SECONDS = 10.0
"""How long a use case waits for the log to be open: who comes early is answered late, and not refused."""


LOOKED_AT_FIRST = 100
"""How many records at the log's end are proven before the service is ready."""

STREAMED_AT_ONCE = 500
"""How many records a stream gives at a time at most."""


class Service:
    """One environment's service. Nothing is opened before `open`.

    A rehearsal opens the log for reading alone and refuses to record. Its projections follow the log as ever,
    in a file that a service may be serving from: where that follows another log, the rehearsal does not open.
    """

    def __init__(
        self, event_store: Path, projections: Path, clock: Callable[[], datetime], *, rehearsal: bool = False
    ) -> None:
        self._event_store = event_store
        self._projections = projections
        self._clock = clock
        self._rehearsal = rehearsal
        self._writer = ThreadPoolExecutor(1, "writer")
        self._reader = ThreadPoolExecutor(1, "reader")
        self._group = GroupCommit(self._append, self._writer)
        self._watch = Watch(self._end)
        self._guard = Guard()
        self._patrol: asyncio.Task[None] | None = None
        self._writing: Opened | None = None
        self._reading: Opened | None = None
        self._closing = threading.Event()
        self._settled = asyncio.Event()
        self._reason: str | None = "the event log is being opened"

    @property
    def not_ready(self) -> str | None:
        """Why the service cannot be used at the moment, or None if it can."""
        return self._guard.broken or self._reason

    @property
    def projections_file(self) -> str:
        """The name of the file that this release keeps its read models in."""
        return file_of(self._projections).name

    async def open(self) -> Head:
        """Open the log, bring the projections up to its end, and return that end.

        A damaged log is opened for reading, as far as it can be read, and `not_ready` says so. Raises
        HelionyxError, and NotReadyError where `close` is called before this is done.
        """
        try:
            await self._run(self._writer, self._open_writing)
            await self._run(self._reader, self._open_reading)
            self._reason = None
        except HelionyxError as error:
            self._reason = error.message
            raise
        finally:
            self._settled.set()
        self._patrol = asyncio.create_task(self._guard.patrol(self._check))
        return await self.head()

    async def close(self) -> None:
        """Finish what was begun and let go of the files."""
        self._reason = "the service has stopped"
        self._closing.set()
        self._settled.set()
        self.end_streams()
        if self._patrol is not None:
            self._patrol.cancel()
        await self._group.finish()
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._reader, lambda: _close(self._reading))
        await loop.run_in_executor(self._writer, lambda: _close(self._writing))
        self._reader.shutdown()
        self._writer.shutdown()

    async def record(self, command: Command, idempotency_key: str | None = None) -> Recorded:
        """Carry a command out; on return its event is durable.

        A repeat of an idempotency key answers as the first time. Raises RefusedError, RehearsalError, and
        what EventLog.append raises.
        """
        if self._rehearsal:
            raise RehearsalError("this is a rehearsal: nothing is recorded")
        # No decision depends on the past so far; when one does, the state is folded from the log here.
        events = decide(State(), command, self._clock())
        if isinstance(events, Refusal):
            raise RefusedError(events.message, events.hint)
        draft = draft_of(events[0], idempotency_key)
        await self._until_open()
        self._unless_broken()
        (record,) = await self._group.append(Append([draft]))
        self._watch.reached(record.position)
        return Recorded(message_of(record), repeated=record.envelope().id != draft.id)

    async def messages(self, after: int, limit: int) -> tuple[Message, ...]:
        """The first `limit` messages behind the position `after`."""
        if self._rehearsal:  # it appends nothing, after which its projections would follow
            await self._once_open(self._writer, lambda: self._follow(_ready(self._writing)))
        return await self._once_open(
            self._reader, lambda: _ready(self._reading).projections.messages(after, limit)
        )

    async def timeline(
        self, before: int, limit: int, types: Collection[str] | None = None
    ) -> tuple[Entry, ...]:
        """The last `limit` events in front of the position `before`, the newest first; of `types` alone."""
        return await self._once_open(
            self._reader, lambda: _ready(self._reading).projections.timeline(before, limit, types)
        )

    async def events(
        self,
        after: int,
        limit: int,
        *,
        types: Collection[str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[Record]:
        """The first `limit` records behind the position `after`, of these types and this span of time."""

        def read() -> list[Record]:
            return list(_ready(self._reading).log.read(after, limit, types=types, since=since, until=until))

        return await self._once_open(self._reader, read)

    def stream(
        self, after: int = 0, *, types: Collection[str] | None = None, idle_seconds: float | None = None
    ) -> AsyncGenerator[tuple[Record, ...], None]:
        """The records behind the position `after`, some at a time, and then those to come, of any process.

        Each comes once, in order. Where nothing has come for `idle_seconds`, an empty tuple does. Ends when
        `end_streams` is called.
        """

        def read(after: int) -> tuple[tuple[Record, ...], int]:
            log = _ready(self._reading).log
            end = log.head().position  # first: what is not read up to here is not there
            return tuple(log.read(after, STREAMED_AT_ONCE, types=types)), end

        async def look(after: int) -> tuple[tuple[Record, ...], int]:
            return await self._once_open(self._reader, lambda: read(after))

        return self._watch.stream(look, after, idle_seconds)

    def end_streams(self) -> None:
        """Let every stream come to its end."""
        self._watch.stop()

    async def head(self) -> Head:
        """The end of the log."""
        return await self._once_open(self._reader, lambda: _ready(self._reading).end())

    async def _check(self, start: Head, size: int) -> tuple[Head, Flaw | None]:
        return await self._run(self._reader, lambda: _ready(self._reading).log.check(start, size))

    async def _end(self) -> int:
        return (await self.head()).position

    async def contents(self) -> Contents:
        """What the log holds."""

        def look() -> Contents:
            log = _ready(self._reading).log
            return Contents(log.head(), log.holds())

        return await self._once_open(self._reader, look)

    def _open_writing(self) -> None:
        try:
            self._writing = self._open_both(read_only=self._rehearsal)
            flaw = self._writing.log.flaw_at_end(LOOKED_AT_FIRST)
        except DamagedError as error:
            self._guard.found(error.message)
            self._writing = self._writing or self._open_both(read_only=True)
            return
        if flaw is not None:
            self._guard.found(str(flaw))
            return
        self._reason = "the projections are catching up"
        self._writing.projections.catch_up(self._writing.log, self._closing.is_set)

    def _open_reading(self) -> None:
        self._reading = self._open_both(read_only=True)

    def _open_both(self, *, read_only: bool) -> Opened:
        return Opened.open(self._event_store, self._projections, read_only=read_only, shared=self._rehearsal)

    def _append(self, appends: Sequence[Append]) -> Sequence[Outcome]:
        opened = _ready(self._writing)
        self._unless_broken()
        try:
            outcomes = opened.log.append_each(appends)
        except DamagedError as error:
            self._guard.found(error.message)
            self._unless_broken()
            raise
        self._follow(opened)
        return outcomes

    def _follow(self, opened: Opened) -> None:
        try:
            opened.projections.catch_up(opened.log)
            self._reason = None
        except Exception as error:  # an event is durable all the same: its caller must hear so
            self._reason = "the projections cannot follow the log"
            if isinstance(error, HelionyxError):
                self._reason += f": {error.message}"
            logger.exception("the projections cannot follow the log")

    async def _once_open(self, executor: ThreadPoolExecutor, job: Callable[[], T]) -> T:
        await self._until_open()
        return await self._run(executor, job)

    async def _until_open(self) -> None:
        if not self._settled.is_set():
            try:
                await asyncio.wait_for(self._settled.wait(), PATIENCE_SECONDS)
            except TimeoutError:
                raise NotReadyError(f"the service is not ready: {self._reason}", "try again later") from None
        self._unless_closing()

    async def _run(self, executor: ThreadPoolExecutor, job: Callable[[], T]) -> T:
        self._unless_closing()
        return await asyncio.get_running_loop().run_in_executor(executor, job)

    def _unless_broken(self) -> None:
        if self._guard.broken is not None:
            raise NotReadyError(self._guard.broken, RESTORE)

    def _unless_closing(self) -> None:
        if self._closing.is_set():
            raise NotReadyError("the service has stopped", "try again in a moment")


def _ready(opened: Opened | None) -> Opened:
    if opened is None:
        raise NotReadyError("the event log is not open", "try again in a moment")
    return opened


def _close(opened: Opened | None) -> None:
    if opened is not None:
        opened.close()
