"""What the operator's half says when it cannot go on, and the exit codes that it ends with."""

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
    HANDS: "failed, and needs hands",
    INTERRUPTED: "interrupted",
}


class DeployError(Exception):
    """One message and one hint, printed once by `__main__`, and the exit code that goes with them."""

    def __init__(
        self, message: str, hint: str = "", *, code: int = REFUSED, details: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code
        self.details = details
