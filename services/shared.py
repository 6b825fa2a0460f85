"""Work that is done once for all callers that wait for it at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from functools import partial
from typing import Any, Generic, TypeVar

from services.turns import Turns

T = TypeVar("T")


class Shared(Generic[T]):
    """Work in progress, by a key that names it. For use in one event loop."""

    def __init__(self) -> None:
        self._waiting: dict[Hashable, list[asyncio.Future[T]]] = {}
        self._tasks: set[asyncio.Task[T]] = set()
        self._turns = Turns()

    async def do(self, key: Hashable, job: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Return the result of `job`, or of the work with this key that is going on already.

        Goes on to its end for the others when one of those who wait gives up.
        """
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(key, [])
        waiting.append(answer)
        if len(waiting) == 1:
            task = asyncio.create_task(job())
            self._tasks.add(task)
            task.add_done_callback(partial(self._ended, key))
        return await answer

    def _ended(self, key: Hashable, task: asyncio.Task[T]) -> None:
        self._tasks.discard(task)
        self._turns.take(partial(_answer, answer, task) for answer in self._waiting.pop(key))


def _answer(answer: asyncio.Future[T], task: asyncio.Task[T]) -> None:
    error = None if task.cancelled() else task.exception()
    if answer.done():  # whoever waited has given up
        return
    if task.cancelled():
        answer.cancel()
    elif error is not None:
        answer.set_exception(error)
    else:
        answer.set_result(task.result())
