"""The words of a text, for the search index and for queries.

The tokenizer of FTS5 divides at everything that is no letter or digit: `C++` would be `c`, an emoji nothing,
and a text in Japanese, Chinese or Thai, which has no spaces, one word. Such parts are spelled as letters.
"""

from __future__ import annotations

import re
import unicodedata
from typing import cast

import apsw

TOKENIZER = ("unicode61", "remove_diacritics", "2", "categories", "L* M* N* Co")
"""With the marks of letters, without which a word in Hindi falls apart, and characters for private use."""

_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u302f\u3031-\u303c\u3041-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U0001aff0-\U0001b2ff\U00020000-\U0003ffff"
)
"""Of scripts whose words are not divided, or have endings that are: a pair of characters is a word."""

_SYMBOLS = "\u00a2-\u00a9\u00ac\u00ae-\u00b1\u00d7\u00f7\u20a0-\u20cf\u2100-\u214f\u2190-\u2bff\u303d"
_SYMBOLS += "\U0001f000-\U0001fbff"
"""Signs of money, arrows, mathematics, pictures: each is a word."""

_UNSEEN = "\u00ad\u2060\u20e3\ufe00-\ufe0f\ufeff\U000e0000-\U000e01ef"
_UNSEEN += "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"
_UNSEEN += "\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed"
"""Hyphens that are not shown, how a picture is to be drawn, and the vowels of Hebrew and Arabic, which most
leave out."""

_ANY = re.compile(f"[{_UNSPACED}{_SYMBOLS}{_UNSEEN}]")
_PART = re.compile(f"([{_UNSPACED}]+)|([{_SYMBOLS}])|[{_UNSEEN}]")

_WORD = re.compile(r"(\w+)([+#]*)")
"""Matches words without signs too: else a search would begin at each letter of a long one."""

_SIGNS = str.maketrans({"+": "\ue000", "#": "\ue001"})
"""Signs that are a part of the word in front of them, as in `C++`, and their letters for private use."""


def spelled(text: str) -> str:
    """A text in which everything searchable is made of letters.

    What can be spelled in several ways has one spelling, such as kana of some keyboards, and ß as ss.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text.casefold())
        if _ANY.search(text):  # most texts have none, and one class of characters is looked for at once
            text = _PART.sub(_spell, text)
    return _WORD.sub(_sign, text) if "+" in text or "#" in text else text


def query_of(connection: apsw.Connection, text: str) -> str:
    """The query of FTS5 for all words of `text`, the last of which may be the beginning of one; or ""."""
    tokenizer = connection.fts5_tokenizer(TOKENIZER[0], list(TOKENIZER[1:]))
    words = cast(
        list[str],
        tokenizer(
            spelled(text).encode(errors="replace"),
            apsw.FTS5_TOKENIZE_QUERY,
            None,
            include_offsets=False,
            include_colocated=False,
        ),
    )
    return " ".join(
        f'"{word}"*' if index == len(words) or _is_half(word) else f'"{word}"'
        for index, word in enumerate(words, 1)
    )


def _is_half(word: str) -> bool:
    """Whether the index holds the character together with the next one, or alone at the end of a run."""
    return len(word) == 1 and re.match(f"[{_UNSPACED}]", word) is not None


def _spell(part: re.Match[str]) -> str:
    run, symbol = part.groups()
    if run is not None:
        pairs = [run[index : index + 2] for index in range(len(run))]
        return f" {' '.join(pairs)} "
    return "" if symbol is None else f" \ue002{ord(symbol):06x} "


def _sign(part: re.Match[str]) -> str:
    word, signs = part.groups()
    return f"{word} {word}{signs.translate(_SIGNS)} " if signs else str(word)
