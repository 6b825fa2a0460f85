"""The one error of this package: what is wrong, and what to do about it."""

CANNOT_RUN_HERE = 2


class Node1Error(Exception):
    """A message that carries the values, a hint for the reader, and the exit code of the command line."""

    def __init__(self, message: str, hint: str = "", exit_code: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.exit_code = exit_code

    def __str__(self) -> str:
        return f"{self.message}\n  hint: {self.hint}" if self.hint else self.message
