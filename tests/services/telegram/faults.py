"""What can go wrong with a call to the Bot API, to be switched on for the next calls of a method."""

from __future__ import annotations

from dataclasses import dataclass


class ApiError(Exception):
    """An answer that is no success: status, description and, for some, parameters such as `retry_after`."""

    def __init__(self, status: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.status = status
        self.description = description
        self.parameters = parameters


@dataclass(frozen=True)
class Fault:
    """One call that does not go as it should. Without an error and without a drop it is only slow."""

    error: ApiError | None = None  # answered in place of the result
    drops: bool = False  # the connection ends without an answer
    acts: bool = False  # and yet, what was asked for is done
    seconds: float = 0.0  # that pass before anything happens


def refused(status: int, description: str) -> Fault:
    """An error of any kind, such as 403 Forbidden."""
    return Fault(ApiError(status, description))


def too_many(retry_after: int) -> Fault:
    """429: come back in so many seconds."""
    return Fault(ApiError(429, f"Too Many Requests: retry after {retry_after}", retry_after=retry_after))


def broken(status: int = 502, description: str = "Bad Gateway") -> Fault:
    """A trouble of the server's own."""
    return Fault(ApiError(status, description))


def slow(seconds: float) -> Fault:
    """All is done and answered, but late."""
    return Fault(seconds=seconds)


UNHEARD = Fault(drops=True)
"""The connection ends, and nothing was done."""

UNANSWERED = Fault(drops=True, acts=True)
"""What was asked for is done; the connection ends before that is said."""
