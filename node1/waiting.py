"""The lines that tell a person how far a slow boot is."""

import re
from collections.abc import Callable

from node1.host import Progress

INTERVAL = 10.0  # seconds; a container boots in less
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[^ -~]")
LONGEST = 50  # characters of a line of the console


class Waiting:
    """Shows a line for each `INTERVAL` that a boot takes."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._shown = 0.0

    def show(self, seconds: float, last_line: Callable[[], str]) -> None:
        """Show the seconds so far and the last line of the console, if it is time for that."""
        if seconds - self._shown >= INTERVAL:
            self._shown = seconds
            self._progress(f"still booting after {seconds:.0f} s: {last_line()}")


def printable(line: str) -> str:
    """A line of a console without colours and control characters, cut to a length that fits a terminal."""
    return CONTROL.sub("", line).strip()[:LONGEST].rstrip()


def last_line(console: str) -> str:
    """The last line of a console that is not empty."""
    lines = [printable(line) for line in console.splitlines()]
    return next(filter(None, reversed(lines)), "(nothing on the console yet)")
