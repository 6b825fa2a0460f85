"""The read models: disposable. Deleting their file loses nothing, for they are built from the event log."""

from services.projections.database import DamagedProjectionsError, Projections, file_of
from services.projections.messages import Message
from services.projections.timeline import Entry

__all__ = ["DamagedProjectionsError", "Entry", "Message", "Projections", "file_of"]
