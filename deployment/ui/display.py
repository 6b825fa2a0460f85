"""The forms of output: plain lines, one JSON object, and (in `terminal.py`) a live display."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..host.values.printable import printable
from .output import Output, closing, line
from .results import Result


class Plain:
    """A line per finished step: for pipes, files and CI."""

    def heading(self, text: str) -> None:
        _print(printable(text))

    def begin(self, title: str) -> None:
        """Said when it is done."""

    def done(self, title: str, seconds: float, remark: str = "") -> None:
        _print(line(title, seconds, remark))

    def warn(self, text: str, details: tuple[str, ...] = ()) -> None:
        for item in (text, *(f"  | {detail}" for detail in details)):
            _print(printable(item))

    @contextmanager
    def upload(self, title: str, total: int) -> Iterator[Callable[[int], None]]:
        yield lambda _: None

    def interrupt(self) -> None:
        """There is nothing to clear."""

    def end(self, result: Result) -> None:
        stream = sys.stderr if result.exit_code else sys.stdout
        for item in closing(result):
            stream.write(item + "\n")


class Json:
    """Nothing but one object at the end."""

    def __init__(self) -> None:
        self._shown: dict[str, list[object]] = {"steps": [], "warnings": []}

    def heading(self, text: str) -> None:
        """Not for programs."""

    def begin(self, title: str) -> None:
        """Not for programs."""

    def done(self, title: str, seconds: float, remark: str = "") -> None:
        self._shown["steps"].append({"title": title, "seconds": round(seconds, 3), "remark": remark})

    def warn(self, text: str, details: tuple[str, ...] = ()) -> None:
        self._shown["warnings"].append({"message": text, "details": list(details)})

    @contextmanager
    def upload(self, title: str, total: int) -> Iterator[Callable[[int], None]]:
        yield lambda _: None

    def interrupt(self) -> None:
        """There is nothing to clear."""

    def end(self, result: Result) -> None:
        _print(json.dumps({**result.to_json(), **self._shown}, indent=1))


def choose(as_json: bool) -> Output:
    """JSON when asked; a live display on a terminal; plain lines elsewhere."""
    if as_json:
        return Json()
    if sys.stdout.isatty():
        from .terminal import Terminal  # the library behind it is worth its import time on a terminal only

        return Terminal()
    return Plain()


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
