"""The findings of `make doctor` as they come: one line each, or one JSON object at the end."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from ..errors import DONE, HANDS, INTERRUPTED
from ..host.values.check import BAD, OK, WARN, Check, any_bad
from ..host.values.printable import printable
from .output import code_line, hint, write_json

NAME = 13  # columns of a check's name
INDENT = 9 + NAME  # columns before what was found
NARROW, WIDE = 80, 120  # columns of the terminals that it is laid out for
COLOURS = {OK: "green", WARN: "yellow", BAD: "red"}


class Report:
    """Shows each section at once, and remembers all for the summary and the exit code."""

    def __init__(self, *, as_json: bool) -> None:
        self._json = as_json
        self._checks: list[tuple[str | None, str | None, Check]] = []  # node, environment
        self._terminal = _terminal() if sys.stdout.isatty() and not as_json else None

    def section(
        self,
        title: str,
        checks: Iterable[Check],
        node: str | None = None,
        environment: str | None = None,
        *,
        answered_by: str = "",
    ) -> None:
        """The checks of one place, under its title; `answered_by` is the node whose words they are."""
        checks = list(checks)
        self._checks += [(node, environment, check) for check in checks]
        if self._json or not checks:
            return
        say: Callable[[str, str], None] = self._terminal.say if self._terminal else _plain
        if title:  # without one, it goes on with the section before
            say(printable(title), "bold")
        width = self._terminal.width if self._terminal else None
        for check in checks:
            first, *rest = lines(check, width, answered_by)
            say(first, COLOURS[check.level])
            for line in rest:
                say(line, "")

    @contextmanager
    def looking(self, where: str) -> Iterator[None]:
        """Something that takes a moment."""
        if self._terminal is None:
            yield
            return
        with self._terminal.looking(where):
            yield

    def end(self) -> int:
        """The summary, with the exit code by name; the code is the answer."""
        return self._end(HANDS if any_bad(check for *_, check in self._checks) else DONE)

    def interrupt(self) -> int:
        """Show the summary of the checks so far; nothing goes on behind it."""
        if not self._json:
            sys.stdout.write("\n")
        return self._end(INTERRUPTED)

    def _end(self, code: int) -> int:
        if self._json:
            shown = [
                {"node": node, "environment": name, **check.to_json()} for node, name, check in self._checks
            ]
            write_json({"exit_code": code, "checks": shown})
            return code
        say: Callable[[str, str], None] = self._terminal.say if self._terminal else _plain
        say(summary((check for *_, check in self._checks), code), "red" if code else "green")
        return code


def lines(check: Check, width: int | None = None, answered_by: str = "") -> list[str]:
    """Mark, name and what was found; below it the mend, never broken, so that it can be pasted.

    What was found is one line, folded where a terminal of `width` columns would break it.
    """
    start = f"  {check.level:<4}  {printable(check.name):<{NAME}} "
    text = printable(check.text.replace("\n", " "))
    folded = textwrap.wrap(text, width - INDENT, break_long_words=False) if width else [text]
    shown = [start + (folded or [""])[0], *(" " * INDENT + line for line in folded[1:])]
    return [*shown, " " * 8 + printable(hint(check.mend, answered_by))] if check.mend else shown


def summary(checks: Iterable[Check], code: int) -> str:
    """The number of checks of each level, and the exit code."""
    counts = Counter(check.level for check in checks)
    warnings = "1 warning" if counts[WARN] == 1 else f"{counts[WARN]} warnings"
    errors = "1 error" if counts[BAD] == 1 else f"{counts[BAD]} errors"
    ending = "exit 4: manual action needed" if code == HANDS else code_line(code)
    return f"{counts[OK]} ok, {warnings}, {errors} · {ending}"


def _plain(text: str, _: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _terminal() -> _Terminal | None:
    """None where the checkout is half set up, and has nothing yet that knows colours."""
    try:
        return _Terminal()
    except ImportError:
        return None


class _Terminal:
    """Colours: of a line the mark alone, of a heading or the summary all of it."""

    def __init__(self) -> None:
        from rich.console import Console  # worth its import time on a terminal only

        self._console = Console(highlight=False, soft_wrap=True)
        self.width = min(max(shutil.get_terminal_size().columns, NARROW), WIDE)

    def say(self, text: str, style: str) -> None:
        from rich.text import Text

        shown = Text(text)
        if style:
            mark = text.startswith("  ")
            shown.stylize(style, 2 if mark else 0, 6 if mark else len(text))
        elif text.lstrip().startswith("hint"):
            shown.stylize("cyan")
        self._console.print(shown)

    @contextmanager
    def looking(self, where: str) -> Iterator[None]:
        with self._console.status(where, spinner="dots"):
            yield
