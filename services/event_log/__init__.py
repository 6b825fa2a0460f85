"""The event log: the truth. Append-only, in one total order, each record carrying the hash of the one before.

What other modules use is named here; `records` says what a record is, `schema` how it lies in the file.
"""

from services.event_log.chain import Flaw
from services.event_log.errors import (
    BusyError,
    ConflictError,
    DamagedError,
    EventLogError,
    MisfitError,
    NewerFormatError,
    PositionError,
)
from services.event_log.log import EventLog
from services.event_log.records import GENESIS, Append, Draft, Envelope, Head, Record
from services.event_log.writing import Outcome

__all__ = [
    "GENESIS",
    "Append",
    "BusyError",
    "ConflictError",
    "DamagedError",
    "Draft",
    "Envelope",
    "EventLog",
    "EventLogError",
    "Flaw",
    "Head",
    "MisfitError",
    "NewerFormatError",
    "Outcome",
    "PositionError",
    "Record",
]
