"""Text of others (commits, people, files, programs), made safe for one line of a terminal."""

from __future__ import annotations

import unicodedata

JOINERS = "\u200c\u200d"  # emoji and some scripts are written with them; they move nothing


def printable(text: str) -> str:
    """Return `text` with escapes in place of all that is no visible character.

    Control characters, line ends, bidi overrides and bytes that were no UTF-8 (as `surrogateescape` decodes
    them) neither move a terminal nor begin a line. A tab stays, and any other blank becomes a plain one.
    """
    return text if text.isprintable() else "".join(map(_shown, text))


def _shown(letter: str) -> str:
    if letter.isprintable() or letter == "\t" or letter in JOINERS:
        return letter
    if unicodedata.category(letter) == "Zs":
        return " "
    code = ord(letter)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
