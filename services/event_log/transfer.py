"""Export a log as lines of JSON, and import the lines into a copy of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import BinaryIO

from services.event_log.backend import Progress
from services.event_log.chain import behind
from services.event_log.errors import RESTORE, DamagedError, MisfitError
from services.event_log.lines import from_line, to_line
from services.event_log.log import EventLog
from services.event_log.records import Record
from services.event_log.summary import BEGINNING, Head

STEP = 1000
"""The number of records between two calls of `progress`."""


def export(log: EventLog, target: BinaryIO, progress: Progress = lambda _: None) -> int:
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
            progress(record.position)
    target.flush()
    if reached.position != end:
        flaw = log.check(reached, 1)[1]
        reason = flaw or f"the log ends at {end}, and nothing can be read behind {reached.position}"
        raise DamagedError(f"only {reached.position} records were written: {reason}", RESTORE)
    return end


def import_lines(
    log: EventLog,
    lines: Iterable[bytes],
    progress: Progress = lambda _: None,
    fits: Callable[[Record], object] = lambda _: None,
) -> int:
    """Append the records of `lines` behind the log's end, all or none; return how many are new.

    Records that the log has already are compared and skipped. `fits` raises ValueError for a record that the
    caller refuses. Raises MisfitError, which names the position, for a record that does not fit, and
    DamagedError where the log is damaged anywhere.
    """
    flaw = log.verify()
    if flaw is not None:
        raise DamagedError(f"nothing was imported: {flaw}", RESTORE)

    def records() -> Iterable[Record]:
        for number, line in enumerate(lines, start=1):
            try:
                record = from_line(line)
            except (ValueError, RecursionError) as error:
                raise MisfitError(
                    f"expected a record in line {number}, found something else: {error}",
                    "import reads the lines that export writes",
                ) from None
            if record.position % STEP == 0:
                progress(record.position)
            yield record

    return log.adopt(records(), fits)
