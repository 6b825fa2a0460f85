"""The read models: disposable. They are built from the event log, and deleting their file loses nothing."""

from services.projections.database import DamagedProjectionsError, FullDiskProjectionsError, Projections
from services.projections.entries import TrackEntry
from services.projections.files import file_of
from services.projections.messages import Message
from services.projections.search import Hit
from services.projections.sendings import Sending

__all__ = [
    "DamagedProjectionsError",
    "FullDiskProjectionsError",
    "Hit",
    "Message",
    "Projections",
    "Sending",
    "TrackEntry",
    "file_of",
]
