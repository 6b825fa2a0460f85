"""Redact one event: check that it can be done, rewrite the log, and note the redaction in it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime

from msgspec import Struct

from services.event_log.backend import Backend
from services.event_log.errors import EventLogError
from services.event_log.last_head import LastHead
from services.event_log.records import Entry
from services.event_log.summary import Head
from services.event_redaction import Done, Redaction, RedactionError, done_at, note_of, noted, planned

LONGEST_REASON = 500
"""In characters."""


class Order(Struct, frozen=True):
    """A request to redact an event: its position, the requester and the reason."""

    position: int
    reason: str
    by: str


class Redacted(Struct, frozen=True):
    """A redaction. The member names are those of the JSON."""

    position: int
    changed: tuple[int, ...]
    """The positions of all events whose words are replaced."""
    elsewhere: tuple[int, ...]
    """The positions of other events that repeat the words."""
    done: bool
    """Whether this call did it: not where it was only planned, or done before."""
    at: int | None = None
    """The position of the event that is the note of it; None where it was only planned."""
    length: int | None = None
    """Of the log in front of the note: where both heads lie."""
    old_head: str | None = None
    new_head: str | None = None
    by: str | None = None
    reason: str | None = None


def plan(backend: Backend, position: int) -> Redacted:
    """Return the changes that a redaction would make, or the one that was done. Raises HelionyxError."""
    redaction = _find(backend, position)
    if isinstance(redaction, Done):
        return _of(redaction, ())
    return Redacted(position, tuple(sorted(redaction.changed)), redaction.elsewhere, done=False)


def redact(backend: Backend, order: Order, ready: Callable[[], None]) -> Redacted:
    """Redact an event; repeating that changes nothing. Raises HelionyxError, and then nothing has changed.

    `ready` is called when no other process can open the log, and before anything in it has changed.
    """
    foreseen = _find(backend, order.position)  # a refused redaction leaves the log as it is
    if isinstance(foreseen, Done):
        backend.tidy()
        return _of(foreseen, ())
    _refuse_reason(order.reason, foreseen)
    with backend.alone() as log:
        redaction = planned(log, order.position)
        old = log.head()
        same = min(redaction.changed) - 1
        shared = Head(same, str(log.hash_at(same)))  # what the log before and the one after have in common

        def note(new: Head) -> Entry:
            return note_of(redaction, order.by, order.reason, datetime.now(UTC), old, new)

        def prepare() -> None:
            _note_head(backend, shared)
            ready()

        end = backend.rewrite(log, redaction.changed, note, prepare)
    with contextlib.closing(backend.open(read_only=True)) as log:
        after = noted(log, end.position)
    if after is None:
        raise EventLogError(f"the log in {backend.store} does not end with the note of the redaction")
    return _of(after, redaction.elsewhere, done_now=True)


def _note_head(backend: Backend, shared: Head) -> None:
    """Replace the last head that was noted beside the log, if there is one."""
    last = LastHead.beside(backend.store)
    if last.read() is not None:
        last.write(shared)


def _find(backend: Backend, position: int) -> Done | Redaction:
    """Find the changes to make, or the redaction that was done before."""
    backend.refuse_missing()
    with contextlib.closing(backend.open(read_only=True)) as log:
        return done_at(log, position) or planned(log, position)


def _of(done: Done, elsewhere: tuple[int, ...], *, done_now: bool = False) -> Redacted:
    event = done.event
    return Redacted(
        event.position,
        event.positions,
        elsewhere,
        done_now,
        done.at,
        done.at - 1,
        event.old_head,
        event.new_head,
        event.by,
        event.reason,
    )


def _refuse_reason(reason: str, redaction: Redaction) -> None:
    """Refuse an empty reason, and a reason that repeats the words to be redacted."""
    if not (reason.strip() and len(reason) <= LONGEST_REASON and reason.isprintable()):
        raise RedactionError(f"expected a reason of 1 to {LONGEST_REASON} characters, found {len(reason)}")
    if redaction.names(reason):
        raise RedactionError("the reason repeats the words to be redacted", "give a reason without them")
