"""The event log: the truth. Append-only, in one total order, each record with the hash of the one before.

`log` is the seam between the service and a backend, `records` the format of a record. The names for other
modules are imported on first use: a command that needs only the end of a log loads `summary` alone.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.event_log.backend import Backend as Backend
    from services.event_log.chain import Flaw as Flaw
    from services.event_log.errors import BusyError as BusyError
    from services.event_log.errors import ConflictError as ConflictError
    from services.event_log.errors import DamagedError as DamagedError
    from services.event_log.errors import EventLogError as EventLogError
    from services.event_log.errors import FullDiskError as FullDiskError
    from services.event_log.errors import LostError as LostError
    from services.event_log.errors import MisfitError as MisfitError
    from services.event_log.errors import NewerFormatError as NewerFormatError
    from services.event_log.log import EventLog as EventLog
    from services.event_log.log import Outcome as Outcome
    from services.event_log.records import Append as Append
    from services.event_log.records import Entry as Entry
    from services.event_log.records import Record as Record
    from services.event_log.records import new_entry as new_entry
    from services.event_log.summary import GENESIS as GENESIS
    from services.event_log.summary import Contents as Contents
    from services.event_log.summary import Head as Head

_MODULES = {
    "Backend": "backend",
    "Flaw": "chain",
    **dict.fromkeys(("EventLog", "Outcome"), "log"),
    **dict.fromkeys(("Append", "Entry", "Record", "new_entry"), "records"),
    **dict.fromkeys(("GENESIS", "Contents", "Head"), "summary"),
}


def __getattr__(name: str) -> object:
    module = _MODULES.get(name, "errors" if name.endswith("Error") else "")
    if not module:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{module}"), name)
