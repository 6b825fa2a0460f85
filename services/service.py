"""The use cases: what is asked of the service, whoever asks."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection
from datetime import datetime
from pathlib import Path

from services.answers import Contents, Recorded
from services.domain.commands import Command
from services.domain.decisions import Refusal, State, decide
from services.event_log import Append, DamagedError, Head, Record
from services.event_log.reading import Reader, Selection
from services.event_log.watch import Watch
from services.keeper import Keeper
from services.kept import draft_of, message_of
from services.opened import Opened
from services.projections import Entry, Message, file_of
from services.refusals import NotReadyError, RefusedError, RehearsalError

__all__ = ["Contents", "NotReadyError", "Recorded", "RefusedError", "RehearsalError", "Service"]

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
        self._projections = projections
        self._clock = clock
        self._rehearsal = rehearsal
        self._keeper = Keeper(event_store, projections, rehearsal=rehearsal)
        self._watch = Watch(self._end)

    @property
    def not_ready(self) -> str | None:
        """Why the service cannot be used at the moment, or None if it can."""
        return self._keeper.not_ready

    @property
    def projections_file(self) -> str:
        """The name of the file that this release keeps its read models in."""
        return file_of(self._projections).name

    async def open(self) -> Head:
        """Open the log, bring the projections up to its end, and return that end.

        A damaged log is opened for reading, as far as it can be read, and `not_ready` says so. Raises
        HelionyxError, and NotReadyError where `close` is called before this is done.
        """
        await self._keeper.open()
        return await self.head()

    async def close(self) -> None:
        """Finish what was begun and let go of the files."""
        self.end_streams()
        await self._keeper.close()

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
        (record,) = await self._keeper.append(Append([draft]))
        self._watch.reached(record.position)
        return Recorded(message_of(record), repeated=record.envelope().id != draft.id)

    async def messages(self, after: int, limit: int) -> tuple[Message, ...]:
        """The first `limit` messages behind the position `after`."""
        if self._rehearsal:  # it appends nothing, after which its projections would follow
            await self._keeper.follow()
        return await self._keeper.read(lambda opened: opened.projections.messages(after, limit))

    async def timeline(
        self, before: int, limit: int, types: Collection[str] | None = None
    ) -> tuple[Entry, ...]:
        """The last `limit` events in front of the position `before`, the newest first; of `types` alone."""
        return await self._keeper.read(lambda opened: opened.projections.timeline(before, limit, types))

    async def events(
        self,
        after: int,
        limit: int,
        *,
        types: Collection[str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[Record]:
        """The first records behind the position `after`, of these types and this span of time.

        At most `limit`, and less where they are large: none only where there is no more.
        """
        return await self.part(Reader(Selection(types, since, until)), after, limit)

    async def part(self, reader: Reader, after: int, limit: int) -> list[Record]:
        """`events` of one selection, for who reads on: what it takes to find them is looked up once."""

        def read(opened: Opened) -> list[Record]:
            try:
                return opened.log.part(reader, after, limit)
            except DamagedError:
                sound = opened.log.sound_end().position
                if sound <= after or not reader.everything:
                    raise
                # As far as it can be read; whoever asks for what is behind that hears the rest.
                return opened.log.part(reader, after, min(limit, sound - after))

        return await self._keeper.read(read)

    def stream(
        self,
        after: int = 0,
        *,
        types: Collection[str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        idle_seconds: float | None = None,
    ) -> AsyncGenerator[tuple[Record, ...], None]:
        """The records behind the position `after`, some at a time, and then those to come, of any process.

        Each comes once, in order. Where nothing has come for `idle_seconds`, an empty tuple does. Ends when
        `end_streams` is called.
        """
        reader = Reader(Selection(types, since, until))

        async def look(after: int) -> tuple[tuple[Record, ...], int]:
            def read(opened: Opened) -> tuple[tuple[Record, ...], int]:
                end = opened.log.head().position  # first: what is not read up to here is not there
                return tuple(opened.log.part(reader, after, STREAMED_AT_ONCE)), end

            return await self._keeper.read(read)

        return self._watch.stream(look, after, idle_seconds)

    def end_streams(self) -> None:
        """Let every stream come to its end."""
        self._watch.stop()

    async def head(self) -> Head:
        """The end of the log."""
        return await self._keeper.read(Opened.end)

    async def contents(self) -> Contents:
        """What the log holds."""
        return await self._keeper.read(lambda opened: Contents(opened.log.head(), opened.log.holds()))

    async def _end(self) -> int:
        return (await self.head()).position
