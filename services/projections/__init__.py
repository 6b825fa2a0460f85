"""The read models: disposable. Deleting their file loses nothing, for they are built from the event log."""

from services.projections.database import (
    DamagedProjectionsError,
    FullDiskProjectionsError,
    Projections,
    file_of,
)
from services.projections.entries import TrackEntry
from services.projections.messages import Message
from services.projections.search import Hit
from services.projections.sendings import Sending
from services.projections.timeline import Entry

__all__ = [
    "DamagedProjectionsError",
    "Entry",
    "FullDiskProjectionsError",
    "Hit",
    "Message",
    "Projections",
    "Sending",
    "TrackEntry",
    "file_of",
]
