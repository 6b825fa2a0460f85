"""One base class for everything that the node has to say against a request."""

from __future__ import annotations


class HostError(Exception):
    """Something a person can act on: what is wrong, and what to do about it.

    `details` are further lines worth seeing, such as the last words of a service that would not start.
    """

    outcome = "failed"

    def __init__(self, message: str, hint: str = "", details: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = details


class Refused(HostError):
    """Seen before anything was touched."""

    outcome = "refused"


class StepFailed(HostError):
    """A step of a plan did not do what it says; what was there before has to come back."""
