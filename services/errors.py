"""The base class of the service's errors: raised anywhere, printed once.

Whatever is not a `HelionyxError` is a bug and keeps its traceback.
"""


class HelionyxError(Exception):
    """A failure that a person can act on.

    `message` says what was expected, what was found and where; `hint` says what to do about it, or is empty.
    `exit_code` is what a command that ends with it exits with.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  hint: {self.hint}" if self.hint else self.message
