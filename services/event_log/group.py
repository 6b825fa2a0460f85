"""Group commit: appends that come while the disk is waited for go to it together, the next time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor

from services.event_log.records import Append, Record
from services.event_log.writing import Outcome
from services.threads import in_thread

LARGEST_GROUP = 1000
"""How many appends go into one transaction, so that nobody waits long for the others of a crowd."""


class GroupCommit:
    """Hands appends to `commit` in the order in which they come: all that wait at once, one group at a time.

    `commit` runs in `executor` and returns an outcome for each append, when all of them are durable. For use
    in one event loop.
    """

    def __init__(self, commit: Callable[[Sequence[Append]], Sequence[Outcome]], executor: Executor) -> None:
        self._commit = commit
        self._executor = executor
        self._waiting: list[tuple[Append, asyncio.Future[tuple[Record, ...]]]] = []
        self._worker: asyncio.Task[None] | None = None

    async def append(self, append: Append) -> tuple[Record, ...]:
        """The records of `append`, when they are durable. Raises what became of it instead.

        Who gives up waiting before its turn has come appends nothing; afterwards it may be in the log.
        """
        answer: asyncio.Future[tuple[Record, ...]] = asyncio.get_running_loop().create_future()
        self._waiting.append((append, answer))
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())
        return await answer

    async def finish(self) -> None:
        """Wait until all that was begun is done."""
        while self._worker is not None:
            await asyncio.wait([self._worker])

    async def _work(self) -> None:
        try:
            while self._waiting:
                group = self._next()
                if group:
                    await self._together(group)
        finally:
            self._worker = None

    def _next(self) -> list[tuple[Append, asyncio.Future[tuple[Record, ...]]]]:
        """Take out what goes to the disk next: of those about one subject the first, and the others later."""
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

    async def _together(self, group: list[tuple[Append, asyncio.Future[tuple[Record, ...]]]]) -> None:
        appends = [append for append, _ in group]
        try:
            outcomes = await in_thread(self._executor, lambda: self._commit(appends))
        except Exception as error:  # noqa: BLE001 - whatever it is, all of them hear it, and the next go on
            outcomes = [error] * len(group)
        for (_, answer), outcome in zip(group, outcomes, strict=True):
            if answer.done():  # its caller has gone
                continue
            if isinstance(outcome, Exception):
                answer.set_exception(outcome)
            else:
                answer.set_result(outcome)
