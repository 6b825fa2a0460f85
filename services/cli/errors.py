"""What a command of a person can fail by."""

from __future__ import annotations

from services.errors import HelionyxError


class UsageError(HelionyxError):
    """What was typed makes no sense as it is."""

    exit_code = 2


class GoneError(HelionyxError):
    """The log does not have the position that was asked for."""


class NoAnswerError(HelionyxError):
    """The service cannot be reached, or cannot answer at the moment: later it may.

    `sent` tells whether it may have heard what it was asked.
    """

    def __init__(self, message: str, hint: str = "", *, sent: bool = False) -> None:
        super().__init__(message, hint)
        self.sent = sent
