"""What a person, or a program, sees of a change: one interface, and its plain and JSON forms."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from .errors import MEANING, DeployError


class Output(Protocol):
    """Everything that a change has to say while it goes on."""

    def heading(self, text: str) -> None:
        """What is about to happen."""

    def begin(self, title: str) -> None:
        """A step has begun."""

    def done(self, title: str, seconds: float, remark: str = "") -> None:
        """The step has ended well."""

    def warn(self, text: str, details: tuple[str, ...] = ()) -> None:
        """Something went wrong, and it goes on."""

    def upload(self, title: str, total: int) -> Any:
        """A context that gives a callback which takes the number of bytes that have gone."""

    def end(self, result: dict[str, Any]) -> None:
        """How it went: the last line names the exit code."""


class Plain:
    """A line per finished step: for pipes, files and CI."""

    def heading(self, text: str) -> None:
        _print(text)

    def begin(self, title: str) -> None:
        """Said when it is done."""

    def done(self, title: str, seconds: float, remark: str = "") -> None:
        _print(line(title, seconds, remark))

    def warn(self, text: str, details: tuple[str, ...] = ()) -> None:
        for item in (text, *(f"  | {detail}" for detail in details)):
            _print(item)

    @contextmanager
    def upload(self, title: str, total: int) -> Iterator[Callable[[int], None]]:
        yield lambda _: None

    def end(self, result: dict[str, Any]) -> None:
        for item in closing(result):
            _print(item)


class Json:
    """Nothing but one object at the end."""

    def __init__(self) -> None:
        self._steps: list[dict[str, Any]] = []
        self._warnings: list[dict[str, Any]] = []

    def heading(self, text: str) -> None:
        """Not for programs."""

    def begin(self, title: str) -> None:
        """Not for programs."""

    def done(self, title: str, seconds: float, remark: str = "") -> None:
        self._steps.append({"title": title, "seconds": round(seconds, 3), "remark": remark})

    def warn(self, text: str, details: tuple[str, ...] = ()) -> None:
        self._warnings.append({"message": text, "details": list(details)})

    @contextmanager
    def upload(self, title: str, total: int) -> Iterator[Callable[[int], None]]:
        yield lambda _: None

    def end(self, result: dict[str, Any]) -> None:
        _print(json.dumps({**result, "steps": self._steps, "warnings": self._warnings}, indent=1))


def line(title: str, seconds: float, remark: str = "") -> str:
    """One finished step."""
    return f"  {title:<44} {seconds:6.2f} s  {remark}".rstrip()


def closing(result: dict[str, Any]) -> list[str]:
    """The last lines of a change: the error if there is one, what is now, and the exit code by name."""
    lines = []
    if result.get("message"):
        lines.append(f"error: {result['message']}")
        lines += [f"  | {detail}" for detail in result.get("details") or ()]
    if result.get("hint"):
        lines.append(f"hint: {result['hint']}")
    summary = [result["summary"]] if result.get("summary") else []
    if result.get("seconds") is not None:
        summary.append(f"{result['seconds']:.1f} s")
    lines.append(" · ".join([*summary, code_line(result["exit_code"])]))
    return lines


def code_line(code: int) -> str:
    """`exit 0: done`, and the like."""
    return f"exit {code}: {MEANING[code]}"


def result_of(error: DeployError, **more: Any) -> dict[str, Any]:
    """An error as a result."""
    return {
        "outcome": MEANING[error.code].split(",")[0],
        "exit_code": error.code,
        "message": error.message,
        "hint": error.hint,
        "details": list(error.details),
        **more,
    }


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
