"""The same on a terminal: a spinner for the step at hand, a bar for the upload, colours for the outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.status import Status

from ..errors import DONE
from ..host.values.printable import printable
from .output import Output, closing, line
from .results import Result
from .tables import INDENT, fold


class Terminal(Output):
    """Finished steps scroll up; below them is what happens now."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, soft_wrap=True, emoji=False)
        self._status: Status | None = None

    def heading(self, text: str) -> None:
        self._say(f"[bold]{_safe(text)}[/bold]")

    def note(self, text: str) -> None:
        self._say(_safe(text))

    def begin(self, title: str) -> None:
        self._still()
        self._status = self._console.status(_safe(title), spinner="dots")
        self._status.start()

    def done(self, title: str, seconds: float, remark: str = "") -> None:
        self._still()
        text, remark, width = line(title, seconds), printable(remark), self._console.width
        beside = len(text) + 2 + len(remark) <= width
        rest = f"  {remark}" if beside else "\n" + fold(" " * INDENT, remark, INDENT, width)
        self._say(f"[green]✓[/green]{escape(text[1:])}" + (f"[dim]{escape(rest)}[/dim]" if remark else ""))

    def warn(self, text: str, details: tuple[str, ...] = ()) -> None:
        self._still()
        self._say(f"[yellow]{_safe(text)}[/yellow]")
        for detail in details:
            self._say(f"  [dim]|[/dim] {_safe(detail)}")

    @contextmanager
    def upload(self, title: str, total: int) -> Iterator[Callable[[int], None]]:
        self._still()
        columns = (TextColumn("  {task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        with Progress(*columns, console=self._console, transient=True) as progress:
            task = progress.add_task(title, total=total)
            yield lambda size: progress.advance(task, size)

    def interrupt(self) -> None:
        self._still()

    def end(self, result: Result) -> None:
        self._still()
        colour = "green" if result.exit_code == DONE else "red"
        *before, last = closing(result)
        for item in before:
            self._say(
                escape(item).replace("error:", "[red]error:[/red]", 1)
                if item.startswith("error:")
                else escape(item)
            )
        self._say(f"[{colour}]{escape(last)}[/{colour}]")

    def _still(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None

    def _say(self, markup: str) -> None:
        self._console.print(markup)


def _safe(text: str) -> str:
    """Text of others as markup that is nothing but this text."""
    return escape(printable(text))
