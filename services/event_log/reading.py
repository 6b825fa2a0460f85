"""The selection of records to read."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class Selection(Struct, frozen=True):
    """The records to read. A member that is None leaves nothing out."""

    types: tuple[str, ...] | None = None
    since: datetime | None = None
    """The first moment that counts, with a time zone."""
    until: datetime | None = None
    """The first moment that does not count any more, with a time zone."""


EVERYTHING = Selection()


class Reader(Struct):
    """A caller who reads a selection of one log part by part with `EventLog.part`, by any connection."""

    selection: Selection
    plan: object = None
    """The backend's own: looked up once for the whole selection, and stored here for the next part."""
