"""Text of others (commits, people, files, programs), made safe for one line of a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

JOINERS = "\u200c\u200d"  # emoji and some scripts are written with them; they move nothing
LONGEST = 4000  # characters of one text in a record, an audit or a message
DEEPEST = 30  # levels of a value there: our own have six at most
CUT = "…"


def printable(text: str, longest: int | None = None) -> str:
    """Return `text` with escapes in place of all that is no visible character.

    Control characters, line ends, bidi overrides and bytes that were no UTF-8 (as `surrogateescape` decodes
    them) neither move a terminal nor begin a line. A tab stays, and any other blank becomes a plain one.
    Of a text with more than `longest` characters the end is cut off.
    """
    if longest is not None:
        text = text[: longest + 1]  # an escape is never shorter than its character
    shown = text if text.isprintable() else "".join(map(_shown, text))
    return shown if longest is None or len(shown) <= longest else shown[: longest - 1] + CUT


def safe(value: Any) -> Any:
    """Return a JSON value with each text in it printable and of bounded length, at any depth.

    All that is written to a record or an audit, and all that goes over the wire, passes through here.
    """
    return _safe(value, 0)


def _safe(value: Any, depth: int) -> Any:
    if depth > DEEPEST:
        return CUT
    if isinstance(value, str):
        return printable(value, LONGEST)
    if isinstance(value, Mapping):
        return {_safe(key, depth): _safe(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_safe(item, depth + 1) for item in value]
    return value


def _shown(letter: str) -> str:
    if letter.isprintable() or letter == "\t" or letter in JOINERS:
        return letter
    if unicodedata.category(letter) == "Zs":
        return " "
    code = ord(letter)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
