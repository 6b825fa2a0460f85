"""The event log: the truth. Append-only, in one total order, each record with the hash of the one before.

`log` is the seam between the service and a backend, `records` the format of a record. The names for other
modules are listed here and imported on first use: a command that needs only the end of a log loads `summary`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.event_log.backend import Backend
    from services.event_log.chain import Flaw
    from services.event_log.errors import (
        BusyError,
        ConflictError,
        DamagedError,
        EventLogError,
        FullDiskError,
        LostError,
        MisfitError,
        NewerFormatError,
        PositionError,
    )
    from services.event_log.log import EventLog, Outcome
    from services.event_log.records import Append, Draft, Envelope, Record
    from services.event_log.summary import GENESIS, Contents, Head

__all__ = [
    "GENESIS",
    "Append",
    "Backend",
    "BusyError",
    "ConflictError",
    "Contents",
    "DamagedError",
    "Draft",
    "Envelope",
    "EventLog",
    "EventLogError",
    "Flaw",
    "FullDiskError",
    "Head",
    "LostError",
    "MisfitError",
    "NewerFormatError",
    "Outcome",
    "PositionError",
    "Record",
]

_MODULES = {
    "Backend": "backend",
    "Flaw": "chain",
    **dict.fromkeys(("EventLog", "Outcome"), "log"),
    **dict.fromkeys(("Append", "Draft", "Envelope", "Record"), "records"),
    **dict.fromkeys(("GENESIS", "Contents", "Head"), "summary"),
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_MODULES.get(name, 'errors')}")
    return getattr(module, name)
