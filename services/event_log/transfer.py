"""A log as lines of JSON, out of one store and into another."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import BinaryIO

from services.event_log.chain import behind
from services.event_log.errors import RESTORE, DamagedError, MisfitError
from services.event_log.lines import from_line, to_line
from services.event_log.log import EventLog
from services.event_log.records import Record
from services.event_log.summary import BEGINNING, Head

STEP = 1000
"""After how many records it is told how far it has come."""

Told = Callable[[int], None]
"""Hears the position that was reached."""


def export(log: EventLog, target: BinaryIO, told: Told = lambda _: None) -> int:
    """Write every record, up to the log's end as it is now; return its position. Raises EventLogError.

    A damaged log is written as far as its chain holds; DamagedError says where it does not.
    """
    end, reached = log.head().position, BEGINNING
    for record in log.read(limit=end):
        if record != behind(reached, record.body):
            break
        target.write(to_line(record))
        reached = Head(record.position, record.hash)
        if record.position % STEP == 0:
            told(record.position)
    target.flush()
    if reached.position != end:
        flaw = log.check(reached, 1)[1]
        found = flaw or f"the log ends at {end}, and nothing can be read behind {reached.position}"
        raise DamagedError(f"only {reached.position} records were written: {found}", RESTORE)
    return end


def import_lines(
    log: EventLog,
    lines: Iterable[bytes],
    told: Told = lambda _: None,
    fits: Callable[[Record], object] = lambda _: None,
) -> int:
    """Append the records of `lines` behind the log's end, all or none; return how many are new.

    `fits` raises ValueError for a record that is none for other reasons than the log's own.
    Those that the log has already are compared and passed over. Raises MisfitError for what does not fit,
    and names its position, and DamagedError where the log is damaged anywhere.
    """
    flaw = log.examine()
    if flaw is not None:
        raise DamagedError(f"nothing was imported: {flaw}", RESTORE)

    def records() -> Iterable[Record]:
        for number, line in enumerate(lines, start=1):
            try:
                record = from_line(line)
            except (ValueError, RecursionError) as error:
                raise MisfitError(
                    f"expected a record in line {number}, found something else: {error}",
                    "the lines are those that export has written",
                ) from None
            if record.position % STEP == 0:
                told(record.position)
            yield record

    return log.adopt(records(), fits)
