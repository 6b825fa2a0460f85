"""The log beside a list: whatever is done, in whatever order, through whichever connection, they agree."""

from __future__ import annotations

import asyncio
import io
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from services.event_log.errors import ConflictError
from services.event_log.log import EventLog
from services.event_log.reading import Selection
from services.event_log.records import Append, Entry, Record, moment, new_entry
from services.event_log.summary import GENESIS
from services.event_log.transfer import export, import_lines
from services.event_log.watch import Watch
from tests.services.event_log.contract.harness import Harness, Memory, Sqlite

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
TYPES = ("A", "B", "Ü")
NO_BODY = "what the table does not take"
KEYS = ("k", "K", "k\0", "k\0k", "schlüssel", "")

times = st.integers(-3, 9).map(lambda minutes: BEGIN + timedelta(minutes=minutes))
values = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5)
drafts = st.builds(
    new_entry,
    st.sampled_from(TYPES),
    st.integers(1, 2),
    times,
    # Mostly the same, so that repeats are repeats; else anything that JSON holds.
    st.just({}) | st.just({"n": 1}) | st.dictionaries(st.text(max_size=3), values, max_size=3),
    st.none() | st.sampled_from(KEYS),
)
kinds = st.none() | st.sets(st.sampled_from(TYPES))
impossible = st.builds(
    new_entry, st.just(NO_BODY), st.just(1), times, st.just([]), st.none() | st.sampled_from(KEYS)
)
"""Its data is no object: the table finds out when those in front of it are in there already."""

wanted = st.lists(drafts | drafts | drafts | impossible, max_size=3)

pytestmark = pytest.mark.timeout(420)
"""What fails is made small first, for up to five minutes."""

Model = list[Entry]
Told = list[int] | type[Exception]
"""The positions of an append's records, or how it is refused."""


def told(model: Model, asked: Sequence[Entry]) -> Told:
    """What is to become of an append, by the words of EventLog.append alone; `model` takes what is new."""

    def said(draft: Entry) -> tuple[object, ...]:
        return draft.type, draft.version, draft.idempotency_key, draft.data

    used = {
        draft.idempotency_key: number
        for number, draft in enumerate(model)
        if draft.idempotency_key is not None
    }
    for index, draft in enumerate(asked):
        if draft.idempotency_key in used:
            start = used[draft.idempotency_key] - index
            there = [said(model[n]) for n in range(start, start + len(asked)) if 0 <= n < len(model)]
            if there != [said(draft) for draft in asked]:
                return ConflictError
            return list(range(start + 1, start + 1 + len(asked)))
    keys = [draft.idempotency_key for draft in asked if draft.idempotency_key is not None]
    if len(set(keys)) != len(keys):
        return ValueError
    if any(draft.type == NO_BODY for draft in asked):
        return ValueError
    model.extend(asked)
    return list(range(len(model) - len(asked) + 1, len(model) + 1))


def _anew(draft: Entry, key: str | None) -> Entry:
    """The same once more, as somebody sends it who does not know that it is there."""
    return new_entry(draft.type, draft.version, datetime.fromisoformat(draft.time), draft.data, key)


class Beside(RuleBasedStateMachine):
    """Two connections to one log, a copy that is brought up to date now and then, and a list."""

    kind: type[Harness] = Sqlite

    def __init__(self) -> None:
        super().__init__()
        self.scratch = tempfile.TemporaryDirectory()
        self.place = Path(self.scratch.name)
        self.harness = self.kind()
        self.logs = [self._opened("log") for _ in range(2)]
        self.model: Model = []

    def _opened(self, name: str) -> EventLog:
        return self.harness.backend(self.place / name).open()

    def teardown(self) -> None:
        """At the end the chain holds, and each record is what was appended."""
        try:
            for log in self.logs:
                assert log.verify() is None
                assert log.damage() is None
                self.same(list(log.read()), range(1, len(self.model) + 1))
                log.close()
        finally:
            self.scratch.cleanup()

    def same(self, found: Sequence[Record], positions: Sequence[int]) -> None:
        """These records are those of the list at these positions."""
        assert [record.position for record in found] == list(positions)
        for record in found:
            draft, event = self.model[record.position - 1], record.entry()
            assert record.body == draft.body()
            assert (event.id, event.type, event.version) == (draft.id, draft.type, draft.version)
            assert (event.data, event.idempotency_key) == (draft.data, draft.idempotency_key)
        for one, two in pairwise(found):
            assert one.position + 1 < two.position or two.previous == one.hash

    def outcome(self, expected: Told, found: object) -> None:
        """One append ended as it should."""
        if isinstance(expected, list):
            assert isinstance(found, tuple), found
            self.same(found, expected)
        else:
            assert isinstance(found, expected), found

    @rule(which=st.integers(0, 1), wanted=wanted)
    def append(self, which: int, wanted: list[Entry]) -> None:
        """One append."""
        self._append(which, wanted)

    def _append(self, which: int, asked: list[Entry]) -> None:
        expected = told(self.model, asked)
        found: object
        try:
            found = self.logs[which].append(asked)
        except (ConflictError, ValueError) as error:
            found = error
        self.outcome(expected, found)

    @precondition(lambda self: self.model)
    @rule(
        which=st.integers(0, 1), data=st.data(), count=st.integers(1, 4), key=st.sampled_from([None, *KEYS])
    )
    def again(self, which: int, data: st.DataObject, count: int, key: str | None) -> None:
        """What is there is sent again, from anywhere on, as it was or with another key at its end."""
        start = data.draw(st.integers(0, len(self.model) - 1))
        asked = [_anew(draft, draft.idempotency_key) for draft in self.model[start : start + count]]
        if data.draw(st.booleans()):
            asked[-1] = _anew(asked[-1], key)
        self._append(which, asked)

    @rule(which=st.integers(0, 1), group=st.lists(wanted, max_size=5))
    def append_each(self, which: int, group: list[list[Entry]]) -> None:
        """Several together end as if they had come one after the other."""
        appends = [Append(asked) for asked in group]
        expected = [told(self.model, asked) for asked in group]
        for one, found in zip(expected, self.logs[which].append_each(appends), strict=True):
            self.outcome(one, found)

    @rule(which=st.integers(0, 1))
    def reopen(self, which: int) -> None:
        """What was appended does not depend on who has it open."""
        self.logs[which].close()
        self.logs[which] = self._opened("log")

    @rule(
        which=st.integers(0, 1),
        after=st.integers(0, 6),
        limit=st.none() | st.integers(0, 5),
        types=kinds,
        since=st.none() | times,
        until=st.none() | times,
    )
    def read(
        self,
        which: int,
        after: int,
        limit: int | None,
        types: set[str] | None,
        since: datetime | None,
        until: datetime | None,
    ) -> None:
        """What is read is what is picked out of the list."""
        expected = [
            position
            for position, draft in enumerate(self.model, start=1)
            if position > after
            and (types is None or draft.type in types)
            and (since is None or draft.time >= moment(since))
            and (until is None or draft.time < moment(until))
        ][:limit]
        found = self.logs[which].read(
            after, limit, Selection(None if types is None else tuple(types), since, until)
        )
        self.same(list(found), expected)

    @rule(
        which=st.integers(0, 1), after=st.integers(0, 10), types=st.none() | st.sets(st.sampled_from(TYPES))
    )
    def stream(self, which: int, after: int, types: set[str] | None) -> None:
        """A stream gives each once, in order, also what is appended by the other one while it is read."""
        expected = [
            position
            for position, draft in enumerate([*self.model, new_entry("A", 1, BEGIN, {})], start=1)
            if position > after and (types is None or draft.type in types)
        ]
        self.same(asyncio.run(self._streamed(which, after, types, len(expected))), expected)

    async def _streamed(self, which: int, after: int, types: set[str] | None, count: int) -> list[Record]:
        log, other = self.logs[which], self.logs[1 - which]

        async def look() -> int:
            return log.head().position

        async def read(after: int) -> tuple[tuple[Record, ...], int]:
            end = log.head().position
            return tuple(log.read(after, 2, Selection(None if types is None else tuple(types)))), end

        watch = Watch(look)
        late = new_entry("A", 1, BEGIN, {})
        self.model.append(late)
        asyncio.get_running_loop().call_soon(lambda: watch.reached(other.append([late])[0].position))
        found: list[Record] = []
        async with asyncio.timeout(5):
            async for some in watch.stream(read, after, 0.01):
                found += some
                if len(found) >= count and log.head().position == len(self.model):
                    break
        return found

    @rule(which=st.integers(0, 1))
    def copy(self, which: int) -> None:
        """Exported and imported it is the same log, where the copy had nothing and where it had a part."""
        lines = io.BytesIO()
        assert export(self.logs[which], lines) == len(self.model)
        copy = self._opened("copy")
        before = copy.head().position
        assert import_lines(copy, lines.getvalue().splitlines(keepends=True)) == len(self.model) - before
        assert copy.head() == self.logs[which].head()
        assert list(copy.read()) == list(self.logs[which].read())
        assert copy.verify() is None
        copy.close()

    @invariant()
    def ends(self) -> None:
        """Both connections see the same end, and the kinds of all that is there."""
        one, two = (log.head() for log in self.logs)
        assert one == two
        assert one.position == len(self.model)
        assert (one.hash == GENESIS) == (not self.model)
        held = {kind: sorted({d.version for d in self.model if d.type == kind}) for kind in TYPES}
        assert self.logs[0].contents().holds == {
            kind: tuple(versions) for kind, versions in held.items() if versions
        }


class InMemory(Beside):
    """The same with the backend in memory."""

    kind = Memory


SETTINGS = settings(
    max_examples=50, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
TestBeside = Beside.TestCase
TestBeside.settings = SETTINGS
TestInMemory = InMemory.TestCase
TestInMemory.settings = settings(SETTINGS, max_examples=20)
