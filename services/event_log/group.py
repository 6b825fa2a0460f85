"""Group commit: appends that come during a commit go to the disk together, with the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor

from services.event_log.log import Outcome
from services.event_log.records import Append, Record
from services.threads import in_thread

LARGEST_GROUP = 1000
"""The most appends of one transaction: with more of them, the first would wait long for the last."""


class GroupCommit:
    """Commit appends in the order in which they come: all that wait together, one group at a time.

    `commit` runs in `executor` and returns an outcome for each append, when all of them are durable. For use
    in one event loop.
    """

    def __init__(self, commit: Callable[[Sequence[Append]], Sequence[Outcome]], executor: Executor) -> None:
        self._commit = commit
        self._executor = executor
        self._waiting: list[tuple[Append, asyncio.Future[tuple[Record, ...]]]] = []
        self._worker: asyncio.Task[None] | None = None

    async def append(self, append: Append) -> tuple[Record, ...]:
        """Return the records of `append` when they are durable. Raises the exception that is its outcome.

        A caller that is cancelled before its turn appends nothing; afterwards its events may be in the log.
        """
        answer: asyncio.Future[tuple[Record, ...]] = asyncio.get_running_loop().create_future()
        self._waiting.append((append, answer))
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())
        return await answer

    async def finish(self) -> None:
        """Wait until all appends have their outcomes."""
        while self._worker is not None:
            await asyncio.wait([self._worker])

    async def _work(self) -> None:
        try:
            while self._waiting:
                group = self._next()
                if group:
                    await self._commit_group(group)
        finally:
            self._worker = None

    def _next(self) -> list[tuple[Append, asyncio.Future[tuple[Record, ...]]]]:
        """Take out the next group: of the appends about one subject the first, the others stay for later."""
        group, later, subjects = [], [], set[object]()
        for item in self._waiting[:LARGEST_GROUP]:
            append, answer = item
            if append.subject in subjects:
                later.append(item)
            elif not answer.done():
                group.append(item)
                subjects |= set() if append.subject is None else {append.subject}
        self._waiting[:LARGEST_GROUP] = later
        return group

    async def _commit_group(self, group: list[tuple[Append, asyncio.Future[tuple[Record, ...]]]]) -> None:
        appends = [append for append, _ in group]
        try:
            outcomes = await in_thread(self._executor, lambda: self._commit(appends))
        except Exception as error:  # noqa: BLE001 - each of them raises it, and the next group goes on
            outcomes = [error] * len(group)
        for (_, answer), outcome in zip(group, outcomes, strict=True):
            if answer.done():  # its caller was cancelled
                continue
            if isinstance(outcome, Exception):
                answer.set_exception(outcome)
            else:
                answer.set_result(outcome)
