"""Group commit over a log: many appends, one wait for the disk, and each append its own answer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from services.event_log.backend import Backend
from services.event_log.group import LARGEST_GROUP, GroupCommit
from services.event_log.log import EventLog, Outcome
from services.event_log.records import Append, Entry, Record, new_entry

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)


def draft(text: str, key: str | None = None) -> Entry:
    return new_entry("MessageRecorded", 1, NOW, {"text": text, "source": "test"}, key)


def texts(log: EventLog) -> list[object]:
    return [record.entry().data["text"] for record in log.read()]


class Gate:
    """Keeps a group at the disk until a test opens it."""

    def __init__(self) -> None:
        self.reached, self.opened = threading.Event(), threading.Event()

    def wait(self, _: object) -> None:
        self.reached.set()
        assert self.opened.wait(10)


def grouped(
    backend: Backend,
    scenario: Callable[[GroupCommit], Awaitable[None]],
    before: Callable[[Sequence[Append]], None] = lambda _: None,
) -> list[int]:
    """Run a scenario on a group commit over a log; return the sizes of the groups."""
    sizes: list[int] = []
    with ThreadPoolExecutor(1) as executor:
        log = executor.submit(backend.open).result()

        def commit(appends: Sequence[Append]) -> list[Outcome]:
            sizes.append(len(appends))
            before(appends)
            return log.append_each(appends)

        async def run() -> None:
            group = GroupCommit(commit, executor)
            await scenario(group)
            await group.finish()

        asyncio.run(run())
        executor.submit(log.close).result()
    return sizes


def test_who_waits_together_is_committed_together(backend: Backend) -> None:
    """All that come while a group is at the disk are the next group; answers are in the order of asking."""
    gate = Gate()

    async def scenario(group: GroupCommit) -> None:
        first = asyncio.create_task(group.append(Append([draft("first")])))
        await asyncio.to_thread(gate.reached.wait, 10)
        later = [asyncio.create_task(group.append(Append([draft(f"{n}")]))) for n in range(64)]
        await asyncio.sleep(0.05)
        assert not first.done()
        gate.opened.set()
        positions = [(await task)[0].position for task in (first, *later)]
        assert positions == list(range(1, 66))

    assert grouped(backend, scenario, gate.wait) == [1, 64]


def test_a_crowd_is_served_in_groups_of_bounded_size(backend: Backend) -> None:
    """Nobody waits for an endless transaction."""

    async def scenario(group: GroupCommit) -> None:
        await asyncio.gather(*(group.append(Append([draft(f"{n}")])) for n in range(LARGEST_GROUP + 1)))

    assert grouped(backend, scenario) == [LARGEST_GROUP, 1]


def test_who_gives_up_in_time_appends_nothing(backend: Backend) -> None:
    """A caller that is gone before its turn leaves no event, one that goes later may; others go on."""
    gate = Gate()

    async def scenario(group: GroupCommit) -> None:
        at_the_disk = asyncio.create_task(group.append(Append([draft("at the disk")])))
        await asyncio.to_thread(gate.reached.wait, 10)
        waiting = asyncio.create_task(group.append(Append([draft("waiting")])))
        staying = asyncio.create_task(group.append(Append([draft("staying")])))
        await asyncio.sleep(0)
        at_the_disk.cancel()
        waiting.cancel()
        await asyncio.sleep(0)
        gate.opened.set()
        assert (await staying)[0].position == 2

    assert grouped(backend, scenario, gate.wait) == [1, 1]
    assert texts(backend.open(read_only=True)) == ["at the disk", "staying"]


def test_what_fails_them_all_is_told_to_all(backend: Backend) -> None:
    """And the next group goes on."""
    broken = [OSError("on purpose")]

    def before(_: object) -> None:
        if broken:
            raise broken.pop()

    async def scenario(group: GroupCommit) -> None:
        asked = [group.append(Append([draft("a")])) for _ in range(3)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert [str(answer) for answer in answers] == ["on purpose"] * 3
        assert (await group.append(Append([draft("b")])))[0].position == 1

    grouped(backend, scenario, before)


@pytest.mark.parametrize("clients", [1, 64])
def test_durable_on_return(backend: Backend, clients: int) -> None:
    """What is told is committed: another connection reads it before the next thing happens."""

    async def scenario(group: GroupCommit) -> None:
        other = backend.open(read_only=True)

        async def client(number: int) -> None:
            for turn in range(5):
                (record,) = await group.append(Append([draft(f"{number} {turn}")]))
                assert other.hash_at(record.position) == record.hash

        await asyncio.gather(*(client(number) for number in range(clients)))
        other.close()

    sizes = grouped(backend, scenario)
    assert sum(sizes) == 5 * clients
    assert (max(sizes) > 1) == (clients > 1)


def test_two_about_one_thing_never_share_a_transaction(backend: Backend) -> None:
    """The second is asked when the first is in the read models; the others do not wait for it."""
    groups: list[list[object]] = []
    with ThreadPoolExecutor(1) as executor:
        log = executor.submit(backend.open).result()

        def commit(appends: object) -> object:
            assert isinstance(appends, list)
            groups.append([append.subject for append in appends])
            return log.append_each(appends)

        async def run() -> list[tuple[Record, ...]]:
            group = GroupCommit(commit, executor)  # type: ignore[arg-type]
            subjects: list[object] = [1, 2, 1, None, None, 2, 1]
            appends = [Append([draft(f"{n}")], subject=subject) for n, subject in enumerate(subjects)]
            return list(await asyncio.gather(*map(group.append, appends)))

        asyncio.run(run())
        executor.submit(log.close).result()
    assert groups == [[1, 2, None, None], [1, 2], [1]]
