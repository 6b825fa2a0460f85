"""Work in a thread, and who waits for it."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from services.threads import in_thread


def with_thread(scenario: Callable[[ThreadPoolExecutor], Awaitable[None]]) -> None:
    """Run a scenario that has one thread."""
    with ThreadPoolExecutor(1) as executor:
        asyncio.run(asyncio.wait_for(scenario(executor), 20))


def test_what_it_comes_to() -> None:
    """What is returned comes back, and what is raised is raised, of whatever kind."""

    async def scenario(executor: ThreadPoolExecutor) -> None:
        assert await in_thread(executor, threading.get_ident) != threading.get_ident()
        with pytest.raises(KeyError, match="GONE"):
            await in_thread(executor, lambda: os.environ["GONE"])
        with pytest.raises(SystemExit):
            await in_thread(executor, sys.exit)

    with_thread(scenario)


def test_who_gives_up_in_time() -> None:
    """What has not begun is never done; what has is finished, and nobody hears of it."""
    begun, go_on = threading.Event(), threading.Event()
    done: list[str] = []

    def first() -> None:
        begun.set()
        assert go_on.wait(10)
        done.append("first")

    async def scenario(executor: ThreadPoolExecutor) -> None:
        jobs = (first, lambda: done.append("second"), lambda: done.append("third"))
        tasks = [asyncio.create_task(in_thread(executor, job)) for job in jobs]
        await asyncio.to_thread(begun.wait, 10)
        for task in tasks[:2]:
            task.cancel()
        await asyncio.wait(tasks[:2])
        go_on.set()
        await tasks[2]
        assert [task.cancelled() for task in tasks] == [True, True, False]

    with_thread(scenario)
    assert done == ["first", "third"]
