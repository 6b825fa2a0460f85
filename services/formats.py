"""The versions of what an event log is made of: its table, and the events in it.

Standard library only, light to import, and a module beside `services.config`: the check of a configuration
tells them, also where nothing is installed.
"""

from __future__ import annotations

from collections.abc import Iterable

from services.upcasters import readable

TABLE_VERSION = 1
"""Of the table that the log lies in."""

MESSAGE_RECORDED = ("MessageRecorded", 1)
"""The (type, version) of an event. A field that changes its meaning makes a new version."""

WRITES = (
    MESSAGE_RECORDED,
    ("TodoAdded", 1),
    ("TodoCompleted", 1),
    ("TodoReopened", 1),
    ("TodoCancelled", 1),
    ("TodoDueSet", 1),
    ("NoteTaken", 1),
    ("TrackStarted", 1),
    ("TrackEntryAdded", 1),
    ("TrackStopped", 1),
    ("DecisionProposed", 1),
    ("DecisionAccepted", 1),
    ("DecisionRejected", 1),
    ("DecisionRevisited", 1),
    ("TagAdded", 1),
    ("TagRemoved", 1),
    ("SendingAnnounced", 1),
    ("SendingDone", 1),
    ("SendingFailed", 1),
    ("ServiceStarted", 1),
    ("ServiceStopped", 1),
)
"""The (type, version) of every event that this release can write: each type is the name of its class in
`services.domain.events`."""

OF_ITSELF = ("ServiceStarted", "ServiceStopped")
"""The types of what a service notes of itself. All others were said by somebody, or are what came of it."""

EVENT_REDACTED = ("EventRedacted", 1)
"""The (type, version) of the note of a redaction. Only `services.event_log redact` writes it, and no service:
a release that cannot read it is refused as soon as there is one, and not before."""

CHAT_MIGRATED = ("ChatMigrated", 1)
"""The (type, version) of the note that a group has become a supergroup: an environment writes it once in
years, if ever. A release that cannot read it is refused as soon as there is one, and not before."""

UNDERSTOOD = (*WRITES, EVENT_REDACTED, CHAT_MIGRATED)
"""The (type, version) of every event that this release's code takes. A new one is first understood by one
release, and written by the next."""

READS = readable(UNDERSTOOD)
"""The (type, version) of every event that this release can read: older versions by their upcasters."""


def by_type(events: Iterable[tuple[str, int]]) -> dict[str, tuple[int, ...]]:
    """Group the (type, version) of events: the versions of each type, both in ascending order."""
    grouped: dict[str, tuple[int, ...]] = {}
    for type_, version in sorted(events):
        grouped[type_] = (*grouped.get(type_, ()), version)
    return grouped
