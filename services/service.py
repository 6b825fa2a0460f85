"""The use cases of the service, for the API and the bot."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import TypeVar

from services.answers import Recorded
from services.domain.commands import Command, RecordMessage
from services.domain.decisions import check_rules, event_of, validate
from services.domain.events import Event, ServiceStarted, ServiceStopped
from services.domain.items import Item, Key, key_of
from services.domain.origin import Origin
from services.event_codec import draft_of
from services.event_log.backend import Backend
from services.event_log.errors import ConflictError, DamagedError
from services.event_log.reading import EVERYTHING, Reader, Selection
from services.event_log.records import Entry, Record, moment
from services.event_log.summary import Contents, Head
from services.event_log.watch import Watch
from services.message_events import events_of
from services.open_storage import OpenStorage
from services.projections import items, messages, timeline
from services.projections.files import file_of
from services.projections.messages import Message
from services.projections.models import Query
from services.recorder import Rule
from services.redaction import REDACTED
from services.refusals import GoneError, MissingError, RefusedError, RehearsalError, standing
from services.shared import Shared
from services.storage import Storage

T = TypeVar("T")

STREAMED_AT_ONCE = 500
"""The most records that a stream yields at a time."""


class Service:
    """One environment's service. Nothing is opened before `open`.

    A rehearsal opens the log for reading alone and refuses to record. Its read models follow the log, in a
    file that a service may have open: where that follows another log, the rehearsal does not open.
    """

    def __init__(
        self,
        backend: Backend,
        projections: Path,
        clock: Callable[[], datetime],
        *,
        release: str | None = None,
        rehearsal: bool = False,
        shared: bool = False,
        zone: tzinfo = UTC,
        node_head: Path | None = None,
    ) -> None:
        """Dates are in `zone`. With `release`, its starts and stops are noted. `shared`: see Storage."""
        self.backend = backend
        self._release = release
        self.projections = projections
        self._clock = clock
        self.zone = zone
        self._rehearsal = rehearsal
        self._storage = Storage(backend, projections, node_head, rehearsal=rehearsal, shared=shared)
        self.commits, self.space = self._storage.commits, self._storage.space
        self._watch = Watch(self._end)
        self._looks: Shared[tuple[tuple[Record, ...], int]] = Shared()

    @property
    def not_ready(self) -> str | None:
        """The reason why the service cannot be used at the moment; None if it can."""
        return self._storage.not_ready

    @property
    def projections_file(self) -> str:
        """The name of the file of this release's read models."""
        return file_of(self.projections).name

    async def open(self) -> Head:
        """Open the log, bring the projections up to its end, and return that end.

        A damaged log is opened for reading, as far as it can be read, and `not_ready` says so. Raises
        HelionyxError, and NotReadyError where `close` is called before this is done.
        """
        await self._storage.open(self._note(ServiceStarted))
        return await self.head()

    async def close(self) -> None:
        """Finish what was begun and let go of the files."""
        self.end_streams()
        await self._storage.close(self._note(ServiceStopped))

    async def record(self, command: Command, idempotency_key: str | None = None) -> Recorded:
        """Carry a command out; on return its event is durable.

        A repeat of an idempotency key answers as the first time. Raises RefusedError, StateError,
        MissingError, RehearsalError, and what EventLog.append raises.
        """
        _refuse_invalid(command)
        key = key_of(command)

        def rule(storage: OpenStorage) -> Exception | None:
            refusal = (
                check_rules(storage.projections.ask(lambda models: items.item(models, key)), command)
                if key is not None
                else None
            )
            return None if refusal is None else standing(refusal)

        events = [event_of(command, self._clock())]
        return await self._append(events, idempotency_key, key, None if key is None else rule)

    async def tell(
        self,
        text: str,
        source: str,
        idempotency_key: str | None = None,
        at: datetime | None = None,
        *,
        origin: Origin | None = None,
        understand: bool = True,
    ) -> Recorded:
        """Record a message, and carry out its command by docs/GRAMMAR.md; on return both are durable.

        The message was said `at` that time, or now: its dates are relative to that. Without `understand` it
        is recorded alone. Raises what `record` raises.
        """
        now = self._clock()
        message = RecordMessage(text, source=source)
        _refuse_invalid(message)
        then = (at or now).astimezone(self.zone)
        events, last = events_of(message, now, then, origin, understand=understand)
        try:
            # No rule is checked: a message is recorded in any state, and a repeat gives the first result.
            return await self._append(events, idempotency_key, key_of(last))
        except ConflictError:
            earlier = await self._recorded_before(text, source, idempotency_key, at)
            if earlier is None:
                raise
            return earlier

    async def _append(
        self,
        events: Sequence[Event],
        idempotency_key: str | None,
        subject: Key | None,
        rule: Rule | None = None,
    ) -> Recorded:
        if self._rehearsal:
            raise RehearsalError("this is a rehearsal: nothing is recorded")
        drafts = [draft_of(events[0], idempotency_key), *map(draft_of, events[1:])]
        try:
            records = await self._storage.append(drafts, subject, rule)
        except ConflictError as error:  # of the key as the caller knows it, without its source
            raise ConflictError(str(idempotency_key), error.position) from error
        self._watch.reached(records[-1].position)
        entries = tuple(record.entry().understood() for record in records)
        return Recorded(entries, repeated=entries[0].id != drafts[0].id)

    async def _recorded_before(
        self, text: str, source: str, key: str | None, at: datetime | None
    ) -> Recorded | None:
        """The result of an earlier request with this key for the same message, as it was parsed then."""
        recorded = await self.recorded(source, str(key))
        known = (text, REDACTED)  # nobody can compare the words of a redacted message
        if recorded is None or recorded.message.text not in known:
            return None
        said_at = recorded.entries[0].data.get("said_at")
        if at is not None and said_at not in (None, moment(at)):  # the same words, said at another time
            return None
        return recorded

    async def recorded(self, source: str, key: str) -> Recorded | None:
        """The result for the message that was sent with this key; None where there is none."""

        def look(storage: OpenStorage) -> list[Record]:
            record = storage.log.find(f"{source}:{key}")
            return [] if record is None else list(storage.log.read(record.position - 1, 2))

        entries = tuple(record.entry().understood() for record in await self._storage.read(look))
        if not entries or entries[0].type != "MessageRecorded":
            return None
        # What was appended together has one time.
        return Recorded(tuple(entry for entry in entries if entry.time == entries[0].time), repeated=True)

    async def item(self, key: Key) -> Item:
        """The item with this key. Raises MissingError."""
        item = await self.look(lambda models: items.item(models, key))
        if item is None:
            raise MissingError(f"no item has the number {key}")
        return item

    async def look(self, query: Query[T]) -> T:
        """Return what `query` finds in the read models, at the log's end. Raises NotReadyError."""
        return await self._storage.read_models(lambda storage: storage.projections.ask(query))

    async def messages(self, after: int, limit: int) -> tuple[Message, ...]:
        """The first `limit` messages behind the position `after`. Raises GoneError."""
        if after:
            await self.head_from(after)
        return await self.look(lambda models: messages.after(models, after, limit))

    async def timeline(
        self, before: int, limit: int, types: Collection[str] | None = None
    ) -> tuple[Entry, ...]:
        """The last `limit` events in front of the position `before`, the newest first; of `types` alone."""
        return await self.look(lambda models: timeline.before(models, before, limit, types))

    async def events(self, after: int, limit: int, selection: Selection = EVERYTHING) -> list[Record]:
        """The first records of a selection behind the position `after`.

        At most `limit`, and less where they are large: none only where there is no more.
        """
        return await self.part(Reader(selection), after, limit)

    async def part(self, reader: Reader, after: int, limit: int) -> list[Record]:
        """The next part of a selection, for a caller that reads on: the selection is looked up once."""

        def read(storage: OpenStorage) -> list[Record]:
            try:
                return storage.log.part(reader, after, limit)
            except DamagedError:
                sound = storage.log.sound_end().position
                if sound <= after or reader.selection != EVERYTHING:
                    raise
                # Up to the damage; a caller that reads on gets the error.
                return storage.log.part(reader, after, min(limit, sound - after))

        return await self._storage.read(read)

    def stream(
        self, after: int = 0, selection: Selection = EVERYTHING, *, idle_seconds: float | None = None
    ) -> AsyncGenerator[tuple[Record, ...], None]:
        """Yield the records behind position `after`, some at a time, and then those to come, of any process.

        Each comes once, in order. Yields an empty tuple after `idle_seconds` without a record. Ends when
        `end_streams` is called.
        """
        reader = Reader(selection)

        async def look(after: int) -> tuple[tuple[Record, ...], int]:
            def read(storage: OpenStorage) -> tuple[tuple[Record, ...], int]:
                end = storage.log.head().position  # first: what is not read up to here does not exist
                return tuple(storage.log.part(reader, after, STREAMED_AT_ONCE)), end

            # All who follow the log at its end share one read.
            return await self._looks.do((after, selection), lambda: self._storage.read(read))

        return self._watch.stream(look, after, idle_seconds)

    def end_streams(self) -> None:
        """End every stream."""
        self._watch.stop()

    async def head(self) -> Head:
        """The end of the log."""
        return await self._storage.read(OpenStorage.end, quick=True)

    async def head_from(self, position: int) -> Head:
        """The end of the log, for a caller that goes on from `position`.

        Raises GoneError where the log ends before it, as after a restore: waiting there would skip records.
        A damaged log raises nothing, since it may have had that position.
        """
        head = await self.head()
        if position > head.position and self.not_ready is None:
            raise GoneError(position, head.position)
        return head

    async def contents(self) -> Contents:
        """The contents of the log."""
        return await self._storage.read(lambda storage: storage.log.contents(), quick=True)

    def _note(self, kind: type[ServiceStarted] | type[ServiceStopped]) -> Entry | None:
        return None if self._release is None else draft_of(kind(self._clock(), "service", self._release))

    async def _end(self) -> int:
        return (await self.head()).position


def _refuse_invalid(command: Command) -> None:
    problem = validate(command)
    if problem is not None:
        raise RefusedError(problem.message, problem.hint)
