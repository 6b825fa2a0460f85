"""Texts of people in Markdown, escaped so that they are shown as they were written."""

from __future__ import annotations

import re

_INLINE = re.compile(r"[\\`*_\[\]<>&|~$]")
_FIRST = re.compile(
    r"\d{1,9}[.)](?=\s|$)|[-+:](?=\s|$)|[-=](?=[-=\s]*$)|#(?=#{0,5}(?:\s|$))",
)
"""The beginning of a line that makes it a heading, a list and the like."""

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f]")


def escaped(text: str, indent: str = "") -> str:
    """`text`, which may have several lines; those behind the first begin with `indent`."""
    # Other characters that end a line in some programs end it here.
    lines = [_line(line) for line in text.strip().splitlines()]
    paragraphs: list[list[str]] = [[]]
    for line in lines:
        if line:
            paragraphs[-1].append(line)
        elif paragraphs[-1]:
            paragraphs.append([])
    return f"\n\n{indent}".join(f"\\\n{indent}".join(lines) for lines in paragraphs)


def _line(line: str) -> str:
    stripped = _CONTROL.sub("\ufffd", line.expandtabs(4).rstrip())
    plain = stripped.lstrip(" ")
    first = _FIRST.match(plain)
    marked = _INLINE.sub(r"\\\g<0>", plain)
    if first is not None:
        # The last character of `1.` and the only one of `#`: neither is among those of _INLINE.
        end = first.end() - 1
        marked = f"{marked[:end]}\\{marked[end:]}"
    # Four spaces would begin a block of code.
    return "&nbsp;" * (len(stripped) - len(plain)) + marked
