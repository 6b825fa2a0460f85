"""The interface of every form of output, and the wording they share."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..errors import MEANING
from ..host.values.printable import LONGEST, printable
from .results import Result


class Output:
    """Shows a change while it goes on. The methods here show nothing, which is right for some forms of it."""

    def heading(self, text: str) -> None:
        """Show a line about the coming steps."""

    def note(self, text: str) -> None:
        """Show a line about what a heading names."""

    def begin(self, title: str) -> None:
        """Show that a step starts."""

    def done(self, title: str, seconds: float, remark: str = "") -> None:
        """Show that the step is done."""

    def warn(self, text: str, details: tuple[str, ...] = ()) -> None:
        """Show a warning."""

    @contextmanager
    def upload(self, title: str, total: int) -> Iterator[Callable[[int], None]]:  # noqa: ARG002
        """Show the bytes that have gone: the callback takes their number each time."""
        yield lambda _: None

    def interrupt(self) -> None:
        """Stop in the middle of a step, with nothing left hanging on the screen."""

    def end(self, result: Result) -> None:
        """Show the result; the last line names the exit code."""


def line(title: str, seconds: float, remark: str = "") -> str:
    """One finished step."""
    return printable(f"  {title:<44} {seconds:6.2f} s  {remark}".rstrip(), LONGEST)


def closing(result: Result) -> list[str]:
    """The last lines of a change: the error if there is one, what is now, and the exit code by name."""
    lines = []
    node = result.answered_by
    if result.message:
        lines.append(f"error: {node}: {result.message}" if node else f"error: {result.message}")
        if not result.transaction:  # else they stand above, where it happened
            lines += [f"  | {detail}" for detail in result.details]
    if result.hint:
        lines.append(hint(result.hint, node))
    summary = [result.summary] if result.summary else []
    if result.seconds is not None:
        soaked = f", {result.soaked:.1f} s of it soaking" if result.soaked else ""
        summary.append(f"{result.seconds:.1f} s{soaked}")
    lines.append(" · ".join([*summary, code_line(result.exit_code)]))
    return [printable(item, LONGEST) for item in lines]


def hint(text: str, node: str | None) -> str:
    """A hint; one that comes from a node says so: nobody should take its commands for ours."""
    return f"hint from {node}: {text}" if node else f"hint: {text}"


def write_json(value: object) -> None:
    """Write an object for programs to standard output."""
    sys.stdout.write(json.dumps(value, indent=1) + "\n")
    sys.stdout.flush()


def code_line(code: int) -> str:
    """`exit 0: done`, and the like."""
    return f"exit {code}: {MEANING[code]}"
