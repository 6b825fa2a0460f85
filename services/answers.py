"""The results of the use cases."""

from __future__ import annotations

from typing import cast

from msgspec import Struct

from services.domain.grammar import undated
from services.domain.items import Key, begins, key_of
from services.event_codec import event_of
from services.event_log.records import Entry
from services.projections.messages import Message, message_of


class Recorded(Struct, frozen=True):
    """The result of a command or of a message."""

    entries: tuple[Entry, ...]
    """The events: for a message the message itself, then the event of the item that it became, if any."""
    repeated: bool
    """Whether its idempotency key was known, so that nothing was written."""

    @property
    def position(self) -> int:
        """The position of the last event: the number of an item that it created."""
        return self.entries[-1].position

    @property
    def about(self) -> Key | None:
        """The item that was created or changed; None for a message without one."""
        last = event_of(self.entries[-1])
        return key_of(last) or (self.position if begins(last) else None)

    @property
    def undated(self) -> str | None:
        """The text from `due` on of a message that became a todo without a due time, if there is any."""
        first, last = self.entries[0], self.entries[-1]
        if first.type != "MessageRecorded" or last.type != "TodoAdded" or last.data["due"] is not None:
            return None
        return undated(cast(str, last.data["text"]))

    @property
    def message(self) -> Message:
        """The recorded message."""
        return message_of(self.entries[0])
