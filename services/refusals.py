"""The errors of use cases that cannot be carried out."""

from __future__ import annotations

from services.domain.decisions import Refusal
from services.errors import HelionyxError


class RefusedError(HelionyxError):
    """The domain refuses a command."""


class StateError(RefusedError):
    """A command does not fit the present state."""


class MissingError(RefusedError):
    """A command is about something that does not exist."""


class GoneError(HelionyxError):
    """A caller goes on from a position that the log does not have: it followed another log."""

    def __init__(self, position: int, end: int) -> None:
        super().__init__(
            f"the log ends at position {end}, and {position} was asked for:"
            " it was restored, or is another log",
            "begin again with after=0",
        )


class RehearsalError(HelionyxError):
    """A rehearsal was asked to record something."""


class NotReadyError(HelionyxError):
    """The service has not opened its log yet, has closed it, or found it damaged."""


def standing(refusal: Refusal) -> RefusedError:
    """The error for a command that a rule refuses."""
    return (MissingError if refusal.missing else StateError)(refusal.message, refusal.hint)
