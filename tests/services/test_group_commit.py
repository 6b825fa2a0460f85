"""Group commit: many appends, one wait for the disk, and each append its own answer."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest

from services.config import ROOT
from services.event_log import (
    Append,
    ConflictError,
    DamagedError,
    Draft,
    EventLog,
    EventLogError,
    Outcome,
    PositionError,
)
from services.event_log.group import LARGEST_GROUP, GroupCommit

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def draft(text: str, key: str | None = None) -> Draft:
    return Draft("MessageRecorded", 1, NOW, {"text": text, "source": "test"}, key)


def texts(log: EventLog) -> list[object]:
    return [record.envelope().data["text"] for record in log.read()]


def test_each_append_of_a_group_has_its_own_answer(tmp_path: Path) -> None:
    """What is wrong with one is its outcome alone; an expected position counts what comes before it."""
    log = EventLog.open(tmp_path)
    log.append([draft("old", "k")])
    outcomes = log.append_each(
        [
            Append([draft("a")], 1),
            Append([draft("late")], 1),
            Append([draft("other", "k")]),
            Append([draft("old", "k")], 77),
            Append([draft("b", "new"), draft("c")], 2),
            Append([draft("b", "new"), draft("c")], 2),
            Append([draft("not this"), Draft("X", 1, NOW, {"text": "\ud800"})]),
            Append([Draft("X", 1, datetime(2026, 1, 1), {})]),
            Append([draft("e", "twice"), draft("f", "twice")]),
            Append([]),
            Append([draft("d")], 4),
            Append([draft("no key", "\ud800")]),
        ]
    )
    kinds = [tuple if isinstance(outcome, tuple) else type(outcome) for outcome in outcomes]
    assert kinds == [
        *(tuple, PositionError, ConflictError, tuple, tuple, tuple),
        *(UnicodeEncodeError, ValueError, ValueError, tuple, tuple, UnicodeEncodeError),
    ]
    assert outcomes[4] == outcomes[5]
    assert texts(log) == ["old", "a", "b", "c", "d"]
    assert log.verify() is None


def test_what_the_table_refuses_fails_alone_and_whole(tmp_path: Path) -> None:
    """The drafts in front of the one that cannot be stored go with it, those of other appends stay."""
    log = EventLog.open(tmp_path)
    unfit = Draft("X", 1, NOW, [])  # type: ignore[arg-type]
    groups = [Append([draft("a")]), Append([draft("not this"), unfit]), Append([unfit]), Append([draft("b")])]
    outcomes = log.append_each(groups)
    assert [type(outcome) for outcome in outcomes] == [
        tuple,
        apsw.ConstraintError,
        apsw.ConstraintError,
        tuple,
    ]
    assert texts(log) == ["a", "b"]
    assert log.verify() is None


@pytest.mark.parametrize("count", [1, 2])
def test_a_full_disk_is_no_damage(tmp_path: Path, count: int) -> None:
    """SQLite rolls all of it back then, whatever was to be undone: that is told, and later ones go on."""
    log = EventLog.open(tmp_path)
    log.append([draft("before")])
    log._connection.execute(f"PRAGMA max_page_count = {log._connection.pragma('page_count')}")
    with pytest.raises(EventLogError, match="full") as told:
        log.append([draft("x" * 9000)] * count)
    assert not isinstance(told.value, DamagedError)
    log._connection.pragma("max_page_count", 1 << 30)
    assert log.append([draft("after")] * count)[0].position == 2
    assert log.verify() is None


def test_a_repeat_of_a_record_that_cannot_be_read(tmp_path: Path) -> None:
    """Is damage, with its position, and nothing is appended along with it."""
    log = EventLog.open(tmp_path)
    log.append([draft("first", "k")])
    log.append([draft("second")])
    other = apsw.Connection(str(tmp_path / "events.db"))
    other.execute("DROP TRIGGER events_update")
    other.execute(
        'UPDATE events SET body = replace(body, \'"data":{\', \'"data":{"text":1e999,\') WHERE position = 1'
    )
    other.close()
    with pytest.raises(DamagedError, match="the record at position 1 is none"):
        log.append_each([Append([draft("third")]), Append([draft("first", "k")])])
    assert log.head().position == 2


def grouped(
    directory: Path,
    scenario: Callable[[GroupCommit], Awaitable[None]],
    before: Callable[[Sequence[Append]], None] = lambda _: None,
) -> list[int]:
    """Run a scenario on a group commit over a log; return the sizes of the groups."""
    sizes: list[int] = []
    with ThreadPoolExecutor(1) as executor:
        log = executor.submit(EventLog.open, directory).result()

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


def test_who_waits_together_is_committed_together(tmp_path: Path) -> None:
    """All that come while a group is at the disk are the next group; answers are in the order of asking."""
    inside, go_on = threading.Event(), threading.Event()

    def before(_: object) -> None:
        inside.set()
        assert go_on.wait(10)

    async def scenario(group: GroupCommit) -> None:
        first = asyncio.create_task(group.append(Append([draft("first")])))
        await asyncio.to_thread(inside.wait, 10)
        later = [asyncio.create_task(group.append(Append([draft(f"{n}")]))) for n in range(64)]
        await asyncio.sleep(0.05)
        assert not first.done()
        go_on.set()
        positions = [(await task)[0].position for task in (first, *later)]
        assert positions == list(range(1, 66))

    assert grouped(tmp_path, scenario, before) == [1, 64]


def test_a_crowd_is_served_in_groups_of_bounded_size(tmp_path: Path) -> None:
    """Nobody waits for an endless transaction."""

    async def scenario(group: GroupCommit) -> None:
        await asyncio.gather(*(group.append(Append([draft(f"{n}")])) for n in range(LARGEST_GROUP + 1)))

    assert grouped(tmp_path, scenario) == [LARGEST_GROUP, 1]


def test_who_gives_up_in_time_appends_nothing(tmp_path: Path) -> None:
    """A caller that is gone before its turn leaves no event, one that goes later may; others go on."""
    inside, go_on = threading.Event(), threading.Event()

    def before(_: object) -> None:
        inside.set()
        assert go_on.wait(10)

    async def scenario(group: GroupCommit) -> None:
        at_the_disk = asyncio.create_task(group.append(Append([draft("at the disk")])))
        await asyncio.to_thread(inside.wait, 10)
        waiting = asyncio.create_task(group.append(Append([draft("waiting")])))
        staying = asyncio.create_task(group.append(Append([draft("staying")])))
        await asyncio.sleep(0)
        at_the_disk.cancel()
        waiting.cancel()
        await asyncio.sleep(0)
        go_on.set()
        assert (await staying)[0].position == 2

    assert grouped(tmp_path, scenario, before) == [1, 1]
    assert texts(EventLog.open(tmp_path, read_only=True)) == ["at the disk", "staying"]


def test_what_fails_them_all_is_told_to_all(tmp_path: Path) -> None:
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

    grouped(tmp_path, scenario, before)


GROUPS = """
import asyncio, json, sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from services.event_log import Append, Draft, EventLog
from services.event_log.group import GroupCommit

executor = ThreadPoolExecutor(1)
log = executor.submit(EventLog.open, Path(sys.argv[1])).result()
told = []

async def client(group, number):
    for turn in range(40):
        for key in (f"{sys.argv[2]}-{number}-{turn}", f"both-{number}-{turn}"):
            draft = Draft("MessageRecorded", 1, datetime.now(UTC), {"text": key, "source": "x"}, key)
            (record,) = await group.append(Append([draft]))
            told.append((key, record.position, record.hash))

async def main():
    group = GroupCommit(log.append_each, executor)
    await asyncio.gather(*(client(group, number) for number in range(16)))

print(flush=True)
sys.stdin.readline()
asyncio.run(main())
json.dump(told, sys.stdout)
"""


def test_two_processes_with_groups_of_their_own(tmp_path: Path) -> None:
    """Every key is in the log once, where each was told, also those that both have used; the chain holds."""
    command = [sys.executable, "-c", GROUPS, str(tmp_path)]
    processes = [
        subprocess.Popen([*command, name], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for name in "ab"
    ]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    told = [tuple(item) for process in processes for item in json.loads(process.communicate(timeout=60)[0])]
    log = EventLog.open(tmp_path, read_only=True)
    found = {
        record.envelope().idempotency_key: (record.envelope().idempotency_key, record.position, record.hash)
        for record in log.read()
    }
    assert len(told) == 2 * 16 * 40 * 2
    assert set(told) == set(found.values())
    assert log.head().position == len(found) == 3 * 16 * 40
    assert log.verify() is None


@pytest.mark.parametrize("clients", [1, 64])
def test_durable_on_return(tmp_path: Path, clients: int) -> None:
    """What is told is committed: another connection reads it before the next thing happens."""

    async def scenario(group: GroupCommit) -> None:
        other = EventLog.open(tmp_path, read_only=True)

        async def client(number: int) -> None:
            for turn in range(5):
                (record,) = await group.append(Append([draft(f"{number} {turn}")]))
                assert other.hash_at(record.position) == record.hash

        await asyncio.gather(*(client(number) for number in range(clients)))
        other.close()

    sizes = grouped(tmp_path, scenario)
    assert sum(sizes) == 5 * clients
    assert (max(sizes) > 1) == (clients > 1)
