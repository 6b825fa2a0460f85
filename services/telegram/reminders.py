"""Reminders and the summary of the day, each sent once for ever."""

from __future__ import annotations

import logging
import math
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time

from services.domain.due import until_of
from services.domain.items import DECISION, TODO, Item
from services.errors import HelionyxError
from services.event_log.reading import Selection
from services.projections import sendings
from services.service import Service
from services.telegram import lists, texts
from services.telegram.backoff import Stop
from services.telegram.chats import Chats
from services.telegram.items import READ_AT_ONCE, every
from services.telegram.outbox import Outbox, To
from services.telegram.schedule import Hours, reminded, summarised
from services.telegram.status import POLLING, Status
from services.telegram.texts import Reply

logger = logging.getLogger("helionyx")

TICK_SECONDS = 5.0
"""The interval of the checks for due reminders."""

AGAIN_SECONDS = 3600.0
"""After what time something that has certainly not gone out is tried again."""


class Reminders:
    """Says what is due, in the environment's chat, while the bot listens."""

    def __init__(
        self,
        service: Service,
        outbox: Outbox,
        status: Status,
        stop: Stop,
        hours: Hours,
        chats: Chats,
        clock: Callable[[], datetime],
    ) -> None:
        self._service = service
        self._outbox = outbox
        self._status = status
        self._stop = stop
        self._hours = hours
        self._chats = chats
        self._clock = clock
        self._again: dict[str, float] = {}
        """From when on each may be tried again."""

    async def run(self) -> None:
        """Look again and again, until the stop."""
        while not await self._stop.within(TICK_SECONDS):
            # What is announced while nobody listens would hardly go out.
            if self._chats.now is None or self._status.state != POLLING:
                continue
            try:
                await self.look()
            except HelionyxError as error:  # the poller tells of it as well, in its own time
                logger.warning(
                    "telegram: reminders have to wait", extra={"fields": {"reason": error.message}}
                )
                await self._stop.within(60)
            except Exception:
                logger.exception("telegram: internal error; reminders could not be sent")
                await self._stop.within(60)

    async def look(self) -> None:
        """Send what is due now and was not sent before; nothing where nobody knows where to."""
        now = self._clock()
        tomorrow = self._hours.local(now).date() + timedelta(days=1)
        todos = await every(self._service, TODO, "open", until_of(tomorrow.isoformat(), self._hours.zone))
        day = summarised(now, self._hours)
        if day is not None and not await self._known(f"summary:{day}"):
            reply = await self._summary(day, todos, now)
            if reply is None:  # a day that has nothing to say has said it
                self._again[f"summary:{day}"] = math.inf
            else:
                await self._send(f"summary:{day}", reply)
        for todo in reminded(todos, now, self._hours):
            about = f"reminder:{todo.position}:{todo.due}"
            if not self._stop.asked and not await self._known(about):
                await self._send(about, texts.reminder(todo, self._hours, now))

    async def _send(self, about: str, reply: Reply) -> None:
        if self._chats.now is not None:
            wait = await self._outbox.send(about, reply, To(self._chats.now))
            self._again[about] = time.monotonic() + (AGAIN_SECONDS if wait is None else wait)

    async def _known(self, about: str) -> bool:
        """Whether there is nothing to do about it now."""
        if time.monotonic() < self._again.get(about, 0):
            return True
        before = await self._service.look(lambda models: sendings.sending(models, about))
        return before is not None and before.state != "failed"

    async def _summary(self, day: date, todos: tuple[Item, ...], now: datetime) -> Reply | None:
        decisions = await every(self._service, DECISION, "proposed")
        yesterday = await self._counts(day - timedelta(days=1), day)
        return lists.summary(day, todos, decisions, yesterday, self._hours, now)

    async def _counts(self, begin: date, end: date) -> Counter[str]:
        """The number of events of each type between two midnights."""
        since, until = (self._hours.at(day, clock_time()) for day in (begin, end))
        counts: Counter[str] = Counter()
        after = 0
        selection = Selection(lists.COUNTED, since.astimezone(UTC), until.astimezone(UTC))
        while records := await self._service.events(after, READ_AT_ONCE, selection):
            counts.update(record.entry().type for record in records)
            after = records[-1].position
        return counts
