"""The errors of commands."""

from __future__ import annotations

from services.errors import HelionyxError


class UsageError(HelionyxError):
    """The arguments of a command make no sense."""

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
