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

    def to_json(self) -> dict[str, object]:
        """As the result of a conversation, and as a transaction notes it."""
        return {
            "outcome": self.outcome,
            "message": self.message,
            "hint": self.hint,
            "details": list(self.details),
        }


def reason(error: Exception) -> str:
    """One line about a look that failed: the error of a release's program is its last word."""
    if isinstance(error, HostError):
        return error.message + "".join(f" | {line}" for line in error.details[-1:])
    return f"the look at it failed: {type(error).__name__}: {error}"


def last_word(error: HostError) -> str:
    """The last line of a command that failed, where its error is named; a hint may follow that line."""
    lines = [line.strip() for line in error.details if not line.strip().startswith("hint:")]
    return lines[-1] if lines else error.message


class Refused(HostError):
    """Seen before anything was touched."""

    outcome = "refused"


class Busy(Refused):
    """Somebody else is at work on the environment."""


class Unfinished(HostError):
    """A change ended without a result: somebody has to look."""

    outcome = "hands"


class StepFailed(HostError):
    """A step of a plan did not do what it says; what was there before has to come back."""
