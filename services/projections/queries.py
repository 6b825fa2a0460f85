"""What can be asked of the read models."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeVar

import apsw

import services.projections.counts as counts
import services.projections.entries as entries
import services.projections.messages as messages
import services.projections.search as search
import services.projections.sendings as sendings
import services.projections.things as things
import services.projections.timeline as timeline
from services.domain.due import Until
from services.domain.things import Key, Thing
from services.projections.entries import TrackEntry
from services.projections.messages import Message
from services.projections.search import Hit
from services.projections.sendings import Sending
from services.projections.timeline import END, Entry

T = TypeVar("T")


class Queries:
    """Every question there is. Who answers them has the file open."""

    def ask(self, query: Callable[[apsw.Connection], T]) -> T:
        """What `query` finds. Raises ProjectionsError."""
        raise NotImplementedError

    def messages(self, after: int, limit: int) -> tuple[Message, ...]:
        """The first `limit` messages behind the position `after`."""
        return self.ask(lambda connection: messages.after(connection, after, limit))

    def timeline(
        self, before: int = END, limit: int = 100, types: Collection[str] | None = None
    ) -> tuple[Entry, ...]:
        """The last `limit` events in front of the position `before`, the newest first; of `types` alone."""
        return self.ask(lambda connection: timeline.before(connection, before, limit, types))

    def thing(self, key: Key) -> Thing | None:
        """The todo, note, track or decision that is known by `key`, as it stands."""
        return self.ask(lambda connection: things.thing(connection, key))

    def things(
        self,
        kind: str,
        before: int = END,
        limit: int = 100,
        *,
        states: Collection[str] = (),
        tag: str | None = None,
        due_until: Until | None = None,
    ) -> tuple[Thing, ...]:
        """The last `limit` of a kind in front of the position `before`, the newest first.

        In one of `states`, if any are given; with this tag; due before `due_until`.
        """
        return self.ask(
            lambda connection: things.things(
                connection, kind, before, limit, states=states, tag=tag, due_until=due_until
            )
        )

    def tags(self) -> dict[str, int]:
        """Every tag that something bears, as it was last written, and how many things do."""
        return self.ask(things.tags)

    def standing(self) -> dict[str, dict[str, int]]:
        """How many things there are of each kind, in each state."""
        return self.ask(things.standing)

    def entries(self, track: str, before: int = END, limit: int = 100) -> tuple[TrackEntry, ...]:
        """The last `limit` entries of the track of this name in front of `before`, the newest first."""
        return self.ask(lambda connection: entries.entries(connection, track, before, limit))

    def search(self, words: str, before: int = END, limit: int = 100) -> tuple[Hit, ...]:
        """The last `limit` things said that have all of `words`, in front of `before`, the newest first."""
        return self.ask(lambda connection: search.search(connection, words, before, limit))

    def counts(self) -> dict[str, int]:
        """How many events there are of each type."""
        return self.ask(counts.counts)

    def sendings(self, states: Collection[str], limit: int = 100) -> tuple[Sending, ...]:
        """The last `limit` that were to be sent and are in one of `states`, the newest first."""
        return self.ask(lambda connection: sendings.sendings(connection, states, limit))

    def sending(self, about: str) -> Sending | None:
        """The last one that was to be sent about this."""
        return self.ask(lambda connection: sendings.sending(connection, about))
