"""The errors of the operator's half, and the exit codes that it ends with."""

from __future__ import annotations

DONE = 0
REFUSED = 2
FAILED = 3
HANDS = 4
INTERRUPTED = 130

MEANING = {
    DONE: "done",
    REFUSED: "refused, nothing was touched",
    FAILED: "failed, and everything is as it was",
    HANDS: "failed, manual action needed",
    INTERRUPTED: "interrupted",
}


class DeployError(Exception):
    """One message and one hint, printed once by `__main__`, and the exit code that goes with them.

    `answered_by` is the node whose words they are; empty for our own.
    """

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        code: int = REFUSED,
        details: tuple[str, ...] = (),
        answered_by: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code
        self.details = details
        self.answered_by = answered_by


class Unexpected(DeployError):
    """An answer that our program on the node does not give."""


def unusable(error: OSError) -> DeployError:
    """A file, disk or stream of this machine that cannot be used, as a message and a hint."""
    if error.filename:
        hint = f"ls -ld '{error.filename}' says whose it is"
        return DeployError(f"{error.filename} cannot be used: {error.strerror}.", hint)
    room = "see that there is room where the output goes, and temporary files: TMPDIR= names another place"
    return DeployError(f"this machine cannot go on: {error.strerror or error}.", room)
