"""What the use cases answer."""

from __future__ import annotations

from typing import cast

from msgspec import Struct

from services.domain.grammar import undated
from services.domain.items import Key, begins, key_of
from services.event_codec import event_of
from services.event_log import Record
from services.projections import Entry, Message
from services.projections.messages import message_of


class Recorded(Struct, frozen=True):
    """What became of a command, or of what was told."""

    entries: tuple[Entry, ...]
    """The events: of a message first the message itself, and then what it was taken as, if as anything."""
    repeated: bool
    """True where its idempotency key was known already, so that nothing new was written."""

    @property
    def position(self) -> int:
        """Of the last of them: what has begun with it is known by that."""
        return self.entries[-1].position

    @property
    def about(self) -> Key | None:
        """The thing that has begun or changed; None where a message is nothing else."""
        last = event_of(self.entries[-1])
        return key_of(last) or (self.position if begins(last) else None)

    @property
    def undated(self) -> str | None:
        """The words from `due` on in a message that became a todo without a due time, if there are any."""
        first, last = self.entries[0], self.entries[-1]
        if first.type != "MessageRecorded" or last.type != "TodoAdded" or last.data["due"] is not None:
            return None
        return undated(cast(str, last.data["text"]))

    @property
    def message(self) -> Message:
        """The message, where one was told."""
        first = self.entries[0]
        return message_of(first.position, first.id, first.time, first.data)


def entry_of(record: Record) -> Entry:
    """The event that a record keeps. Raises UnknownEventError where this release does not know it."""
    event = record.envelope().understood(record.position)
    return Entry(record.position, event.id, event.type, event.version, event.time, event.data)
