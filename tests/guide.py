"""The commands of a document, in their order, out of its indented blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

INDENT = "    "
PROMPT = "$ "


@dataclass(frozen=True)
class Command:
    """A command as somebody would type it, and the output that the document shows below it."""

    text: str
    section: str  # the heading above it
    line: int  # its number in the document
    output: tuple[str, ...] = ()


def blocks(text: str) -> Iterator[tuple[str, int, list[str]]]:
    """Each indented block: its heading, the number of its first line, its lines without the indent."""
    section, block, begin, before = "", list[str](), 0, ""
    for number, line in enumerate([*text.splitlines(), ""], 1):
        if line.startswith("#"):
            section = line.lstrip("# ")
        is_code = line.startswith(INDENT) and (bool(block) or not before.strip())
        if is_code:
            begin = begin if block else number
            block.append(line)
        elif (block and line.strip()) or block:
            yield section, begin, _dedented(block)
            block = []
        before = line


def _dedented(lines: list[str]) -> list[str]:
    indent = min(len(line) - len(line.lstrip()) for line in lines)
    return [line[indent:] for line in lines]


def commands(section: str, begin: int, lines: list[str]) -> Iterator[Command]:
    """The commands of a block: lines that end in `\\` or `&&` go on, and comments are left out."""
    if lines[0].startswith(PROMPT):
        text = lines[0].removeprefix(PROMPT)
        yield Command(text, section, begin, tuple(lines[1:]))
        return
    unfinished, number = "", begin
    for offset, line in enumerate(lines):
        number = number if unfinished else begin + offset
        unfinished = f"{unfinished} {_without_comment(line).strip()}".strip()
        if unfinished.endswith("\\"):
            unfinished = unfinished.removesuffix("\\").strip()
        elif not unfinished.endswith("&&"):
            yield Command(unfinished, section, number)
            unfinished = ""


def _without_comment(line: str) -> str:
    return re.split(r"\s+# ", line, maxsplit=1)[0]
