"""The picture of a terminal: what a program has written, as the screen shows it in the end."""

from __future__ import annotations

import re
import sys

from scripts import picture

PROGRAM = r"""
import sys
sys.stdout.write("| working\r\x1b[2K\x1b[32mdone\x1b[0m \x1b[2min 1 s\x1b[0m\n")
sys.stdout.write("long " * 30)
"""


def test_screen_has_the_last_state_with_its_colours() -> None:
    """A spinner that was erased is gone, a colour stays, faint text is grey, and a long line wraps."""
    first, *rest = picture.shown(picture.run([sys.executable, "-c", PROGRAM], {}))
    assert first.plain == "done in 1 s"
    styles = {first.plain[span.start : span.end]: str(span.style) for span in first.spans}
    assert ("green" in styles["done"], "bright_black" in styles["in 1 s"]) == (True, True)
    assert [len(line) for line in rest] == [99, 49]


def test_picture_needs_nothing_from_elsewhere() -> None:
    """A picture on a web page loads no fonts."""
    drawn = picture.drawn(picture.shown(b"done"))
    assert ">done</text>" in drawn
    assert re.findall(r"url\([^#].*", drawn) == []
