"""Trying one transaction until it has a result: the program of its unit, which is restarted when it dies."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from ..node import reserve
from ..records import record
from ..records.locks import Holder, environment_lock
from ..values.errors import Busy
from ..values.layout import Layout
from ..values.request import ResolvedRequest
from . import probation, unit
from .recovery import conclude
from .transaction import Change

WAIT = 60.0  # seconds that a restarted transaction waits for its environment
MOMENT = 1.0  # seconds that a new one waits: whoever only looks at the lock holds it for a blink
PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds between two attempts on a disk that takes no record


def carry_out(layout: Layout, name: str) -> None:
    """Bring a staged transaction to a result, whatever attempt this is."""
    transaction = record.Transaction(name, layout)
    if not transaction.is_known:  # a unit that a power cut kept from being removed
        unit.remove(transaction)
        return
    request = ResolvedRequest.parse(transaction.request, layout)
    environment = request.environment
    holder = Holder(request.verb, request.actor["name"], name)
    pause = PAUSE
    patience = time.monotonic() + (WAIT if transaction.entries("attempt") else MOMENT)
    while transaction.result is None:
        try:
            with environment_lock(layout, environment.name, holder):
                if transaction.result is None:
                    Change(transaction, request).run()
        except Busy as error:
            if time.monotonic() >= patience:
                # Steps that are done cannot be called untouched; whoever holds the lock closes the audit.
                conclude(transaction, "hands" if transaction.entries("step") else "refused", error)
            else:
                time.sleep(0.25)
        except OSError as error:
            if error.errno not in reserve.FULL:
                raise
            # Not even the record fits. Waiting is left to nobody else: systemd counts the starts of a unit.
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
    unit.remove(transaction)
    transaction.close()
    probation.begin(transaction, request, Path(sys.argv[0]))
