"""The rules of a probation: when a release that came up has failed after all. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from .words import times

UNREADY = 5.0  # seconds without an answer that it is ready
LOOKS = 3  # that show it, or too much memory: one look that was slow is no failure
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
    requests: tuple[int, int] | None = None  # answered by this process, and failed; None where it did not say
    full: bool = False  # whether its disk is full, which is no fault of a release
    memory: int = 0  # bytes of its process
    limit: int | None = None  # bytes that it may have


def failure(samples: Sequence[Sample]) -> str:
    """The reason to revert the release; empty as long as there is none. `samples` are in order of time."""
    last = samples[-1]
    if last.restarts:
        return f"its process ended by itself and was restarted {times(last.restarts)}"
    unready = list(itertools.takewhile(lambda sample: not sample.ready, reversed(samples)))
    seconds = last.at - unready[-1].at if unready else 0.0
    if len(unready) >= LOOKS and seconds >= UNREADY:
        return f"not ready for {seconds:.0f} s: {last.reason or 'no answer'}"
    if len(samples) >= LOOKS and all(_is_too_large(sample) for sample in samples[-LOOKS:]):
        return (
            f"its process has {last.memory >> 20} MiB of memory, where {(last.limit or 0) >> 20} are allowed"
        )
    recent = [sample for sample in samples if last.at - sample.at <= WINDOW]
    counts = [sample.requests for sample in recent if sample.requests is not None]
    answered, failed = (_grown(counter) for counter in zip(*counts, strict=True)) if counts else (0, 0)
    is_full = any(sample.full for sample in recent)
    if not is_full and failed > FEW and failed > SHARE * answered:
        return f"{failed} of {answered} requests failed within {last.at - recent[0].at:.0f} s"
    return ""


def _is_too_large(sample: Sample) -> bool:
    """Whether a process has more memory than it may have. Not every node has a controller that ends it."""
    return sample.limit is not None and sample.memory > sample.limit


def _grown(counts: Sequence[int]) -> int:
    """The growth of a counter, which begins again at 0 with each process."""
    pairs = itertools.pairwise(counts)
    return sum(after - before if after >= before else after for before, after in pairs)
