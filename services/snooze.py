"""Snooze a todo: move its due time, counted from where it is."""

from __future__ import annotations

from datetime import datetime

from services.dates import when
from services.domain.commands import SetDue
from services.domain.due import is_overdue, local
from services.domain.events import TodoDueSet
from services.domain.items import Item
from services.domain.snooze import snoozed
from services.event_codec import event_of
from services.event_log.errors import ConflictError
from services.refusals import RefusedError
from services.service import Service

DEFAULT = "tomorrow"

EXAMPLES = "1h, evening, tomorrow, weekend, next week or friday 17:00"


async def snooze(
    service: Service, number: int, until: str, source: str, at: datetime, key: str | None = None
) -> Item:
    """Move the due time of an open todo as somebody asked `at` a time; return the todo.

    Raises RefusedError for a text that is no time to come, and what `Service.record` raises.
    """
    item = await service.item(number)
    now = local(at, service.zone)
    due = snoozed(item.due, until, now, when)
    if due is None:
        raise RefusedError(f"did not understand {until[:60]!r} as a time", f"such as {EXAMPLES}")
    if is_overdue(due, now):
        raise RefusedError(f"{until[:60]!r} has passed: it is {due}", f"such as {EXAMPLES}")
    try:
        await service.record(SetDue(number, due, source=source), key)
    except ConflictError as error:
        if not await _is_snooze(service, error.position, number):
            raise
    return await service.item(number)


async def _is_snooze(service: Service, position: int, number: int) -> bool:
    """Whether an idempotency key was used for this todo: a repeat counts from the due time of the first."""
    (record,) = await service.events(position - 1, 1)
    event = event_of(record.entry().understood())
    return isinstance(event, TodoDueSet) and event.todo == number
