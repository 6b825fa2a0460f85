"""The forms of output: plain lines, one JSON object, and (in `terminal.py`) a live display."""

from __future__ import annotations

import sys

from ..host.values.printable import printable
from .output import Output, closing, line, write_json
from .results import Result


class Plain(Output):
    """A line per finished step: for pipes, files and CI."""

    def heading(self, text: str) -> None:
        _print(printable(text))

    def note(self, text: str) -> None:
        _print(printable(text))

    def done(self, title: str, seconds: float, remark: str = "") -> None:
        _print(line(title, seconds, remark))

    def warn(self, text: str, details: tuple[str, ...] = ()) -> None:
        for item in (text, *(f"  | {detail}" for detail in details)):
            _print(printable(item))

    def end(self, result: Result) -> None:
        stream = sys.stderr if result.exit_code else sys.stdout
        for item in closing(result):
            stream.write(item + "\n")


class Json(Output):
    """Nothing but one object at the end."""

    def __init__(self) -> None:
        self._shown: dict[str, list[object]] = {"steps": [], "warnings": []}

    def done(self, title: str, seconds: float, remark: str = "") -> None:
        self._shown["steps"].append({"title": title, "seconds": round(seconds, 3), "remark": remark})

    def warn(self, text: str, details: tuple[str, ...] = ()) -> None:
        self._shown["warnings"].append({"message": text, "details": list(details)})

    def end(self, result: Result) -> None:
        write_json({**result.to_json(), **self._shown})


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
