"""Work in the background that nobody waits for, as long as the log is open."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine

from services.errors import HelionyxError
from services.event_log.errors import EventLogError
from services.refusals import NotReadyError

logger = logging.getLogger("helionyx")


class Upkeep:
    """The tasks of one open log. For use in one event loop."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []

    def begin(self, work: Coroutine[None, None, None]) -> None:
        """Do `work` in the background."""
        task = asyncio.create_task(work)
        task.add_done_callback(_log_failure)
        self._tasks.append(task)

    def cancel(self) -> None:
        """Cancel all tasks."""
        for task in self._tasks:
            task.cancel()


async def repeat(look: Callable[[], Awaitable[None]], seconds: float) -> None:
    """Call `look` every so many seconds, until it raises NotReadyError; log its other exceptions."""
    while True:
        await asyncio.sleep(seconds)
        try:
            await look()
        except EventLogError as error:  # who reads hears of it, and the disk may come back
            logger.warning("could not check the event log: %s", error.message)
        except NotReadyError:  # damaged, gone or closed: all are told elsewhere
            return
        except HelionyxError as error:  # the read models cannot be read: they may be, the next time
            logger.warning("could not check the read models: %s", error.message)


def _log_failure(task: asyncio.Task[None]) -> None:
    """Log the exception of a background task, unless the service stops."""
    error = None if task.cancelled() else task.exception()
    if error is not None and not isinstance(error, NotReadyError):
        logger.error("a background task failed", exc_info=error)
