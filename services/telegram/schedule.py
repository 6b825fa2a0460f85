"""The times of reminders and summaries: pure functions of items and a clock.

Days and times of day are those of the environment's time zone. On the day on which the clocks go forward a
time that does not exist is taken for the one as long after midnight; on the day on which they go back, a time
that exists twice is the first of the two.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from services.domain.due import FIRST, LAST, day_of, is_day, local
from services.domain.items import Item

MORNING = time(8)
"""The beginning of the day without quiet hours and without a time for the summary."""


@dataclass(frozen=True)
class Hours:
    """The hours in which the bot may send reminders."""

    zone: tzinfo
    quiet: tuple[time, time] | None
    """From when to when nothing is said, over midnight or not; None: at no time."""
    summary: time | None
    """When the day's summary is due; None: never."""

    def local(self, moment: datetime) -> datetime:
        """`moment` as the clocks show it there."""
        return local(moment, self.zone)

    def at(self, day: date, clock: time) -> datetime:
        """The moment at which the clocks show that, in UTC."""
        within = min(max(day, FIRST.date()), LAST.date())
        return datetime.combine(within, clock, self.zone).astimezone(UTC)

    def is_quiet(self, moment: datetime) -> bool:
        """Whether nothing is to be said then."""
        if self.quiet is None:
            return False
        (begin, end), clock = self.quiet, self.local(moment).time()
        return begin <= clock < end if begin < end else clock >= begin or clock < end

    def awake(self, moment: datetime) -> datetime:
        """`moment`, or the end of the quiet hours that it lies in."""
        if self.quiet is None or not self.is_quiet(moment):
            return moment
        (begin, end), shown = self.quiet, self.local(moment)
        over_midnight = begin > end and shown.time() >= begin
        return max(moment, self.at(shown.date() + timedelta(days=over_midnight), end))


def due_at(due: str, hours: Hours) -> datetime:
    """The time to remind of a todo: in the morning of its day, or at its moment.

    The morning is when the quiet hours end; without any, it is the time of the summary.
    """
    if is_day(due):
        morning = hours.summary or MORNING if hours.quiet is None else hours.quiet[1]
        return hours.at(date.fromisoformat(due), morning)
    return hours.awake(datetime.fromisoformat(due))


def reminded(todos: Iterable[Item], now: datetime, hours: Hours) -> tuple[Item, ...]:
    """The open todos whose reminders are due.

    What was missed is told on the same day, and no later: then it is in the summary. Who says in the
    afternoon that something is due today knows it: what was said after its time is not told back.
    """
    if hours.is_quiet(now):
        return ()
    due = []
    for todo in todos:
        if todo.state == "open" and todo.due is not None:
            when = due_at(todo.due, hours)
            if todo.created < when <= now and hours.local(when).date() == hours.local(now).date():
                due.append((when, todo.position, todo))
    return tuple(todo for _, _, todo in sorted(due, key=lambda each: each[:2]))


def summarised(now: datetime, hours: Hours) -> date | None:
    """The day whose summary it is time for, or was earlier today; None where there is none."""
    if hours.summary is None or hours.is_quiet(now):
        return None
    today = hours.local(now).date()
    for day in (today - timedelta(days=1), today):
        when = hours.awake(hours.at(day, hours.summary))
        if when <= now and hours.local(when).date() == today:
            return today
    return None


def is_due(todo: Item, day: date, hours: Hours) -> bool:
    """Whether a todo is due on `day` or was before."""
    return todo.due is not None and day_of(todo.due, hours.zone) <= day
