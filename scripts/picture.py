"""Draw docs/images/deploy.svg: a real deploy on a node of its own, as a terminal of 100 columns shows it.

Run by hand when the output of a deploy has changed: `.venv/bin/python -m scripts.picture` (Linux, root).
"""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
import tempfile
import termios
from itertools import groupby
from pathlib import Path

import pyte
from pyte.screens import Char
from rich.console import Console
from rich.style import Style
from rich.text import Text

from deployment.build import envfile
from node1 import Node

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "images" / "deploy.svg"
COLUMNS = 100
LINES = 200  # more than the commands print: nothing scrolls away
SECONDS = 300  # for one command
CHUNK = 65536
FAINT, GREY = b"\x1b[2m", b"\x1b[90m"  # pyte knows nothing of faint text
COLOURS = {"default": None, "brown": "yellow", "brightblack": "bright_black"}  # pyte's names: those of rich
# A picture on a web page loads no fonts: it has those of the machine.
LOADED = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)
FONTS = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace"


def main() -> None:
    """Deploy dev twice, the second time with a changed configuration, and draw the second deploy."""
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch)
        with Node.boot("node1", directory / "node", progress=_report) as node:
            path, _ = envfile.write(ROOT, directory, "dev")
            variables = {
                "NODE": node.name,
                "SSH_OPTIONS": f"-F {node.ssh_config}",
                "ENV_DIR": str(directory),
            }
            run(["make", "deploy", "ENV=dev"], variables)
            path.write_text(path.read_text().replace("LOG_LEVEL=INFO", "LOG_LEVEL=DEBUG"))
            lines: list[Text] = []
            for command in (["make", "deploy", "ENV=dev"], ["make", "status"]):
                lines += [
                    Text(f"$ {' '.join(command)}", style="bold"),
                    *shown(run(command, variables)),
                    Text(),
                ]
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(drawn(lines[:-1]))
    _report(f"{PICTURE.relative_to(ROOT)} is written")


def run(command: list[str], variables: dict[str, str]) -> bytes:
    """Run a command on a pseudo terminal of COLUMNS columns; returns the bytes that it has written there.

    Raises CalledProcessError for an exit code other than 0.
    """
    reader, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (LINES, COLUMNS))
    environment = os.environ | variables | {"TERM": "xterm-256color"}
    with os.fdopen(reader, "rb", buffering=0) as screen:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=terminal, stdout=terminal, stderr=terminal
        )
        os.close(terminal)
        output = b""
        try:
            while data := screen.read(CHUNK):
                output += data
        except OSError:  # Linux says so once nobody has the terminal open any more
            pass
        code = process.wait(timeout=SECONDS)
    if code != 0:
        raise subprocess.CalledProcessError(code, command, output)
    return output


def shown(output: bytes) -> list[Text]:
    """The lines that a terminal shows in the end, without the empty ones below them."""
    screen = pyte.Screen(COLUMNS, LINES)
    pyte.ByteStream(screen).feed(output.replace(FAINT, GREY))
    lines = [_line([screen.buffer[row][column] for column in range(COLUMNS)]) for row in range(LINES)]
    while lines and not lines[-1].plain:
        lines.pop()
    return lines


def _line(cells: list[Char]) -> Text:
    text = Text()
    for (colour, bold), group in groupby(cells, key=lambda cell: (cell.fg, cell.bold)):
        style = Style(color=COLOURS.get(colour, colour), bold=bold)
        text.append("".join(cell.data for cell in group), style)
    text.rstrip()
    return text


def drawn(lines: list[Text]) -> str:
    """The lines as a picture."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    for line in lines:
        console.print(line, no_wrap=True, highlight=False)
    picture = console.export_svg(title="node1", unique_id="deploy")
    return LOADED.sub("", picture).replace("Fira Code, monospace", FONTS)


def _report(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
