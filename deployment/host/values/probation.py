"""The rules of a probation: when a release that came up has failed after all. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from .words import times

UNREADY = 5.0  # seconds without an answer that it is ready
WINDOW = 10.0  # seconds over which failed requests are counted
FEW = 3  # failed requests that are no trend
SHARE = 0.05  # of the requests within the window: more than that is a failure


@dataclass(frozen=True)
class Sample:
    """One look at a service on probation."""

    at: float  # seconds, on a clock that nobody sets
    restarts: int  # by systemd since the deploy: after a crash, a missed watchdog or for want of memory
    ready: bool
    reason: str = ""  # the reason of a service that is not ready
    answered: int = 0  # requests of this process, without health checks
    failed: int = 0  # those of them with a status of 500 or more
    full: bool = False  # whether its disk is full, which is no fault of a release


def failure(samples: Sequence[Sample]) -> str:
    """The reason to revert the release; empty as long as there is none. `samples` are in order of time."""
    last = samples[-1]
    if last.restarts:
        return f"its process ended by itself and was restarted {times(last.restarts)}"
    ready_at = max((sample.at for sample in samples if sample.ready), default=samples[0].at)
    if last.at - ready_at >= UNREADY:
        return f"not ready for {last.at - ready_at:.0f} s: {last.reason or 'no answer'}"
    recent = [sample for sample in samples if last.at - sample.at <= WINDOW]
    answered = _grown([sample.answered for sample in recent])
    failed = _grown([sample.failed for sample in recent])
    if not last.full and failed > FEW and failed > SHARE * answered:
        return f"{failed} of {answered} requests failed within {last.at - recent[0].at:.0f} s"
    return ""


def _grown(counts: Sequence[int]) -> int:
    """The growth of a counter, which begins again at 0 with each process."""
    pairs = itertools.pairwise(counts)
    return sum(after - before if after >= before else after for before, after in pairs)
