"""Tags: how they are written, and when two are the same. Pure and light: the command line imports it too."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

MOST_TAGS = 20
"""The most tags of an item."""

LONGEST_TAG = 50
"""In characters."""

_JOINERS = "\u200c\u200d"
"""Written between the letters of Persian or Sinhala words."""

_PLAIN = re.compile(r"[^\W_][\w-]*")


def normal_tag(text: str) -> str | None:
    """The tag that `text` is meant as, such as `home` for `#Home`; None where it cannot be one.

    Letters, digits, `-` and `_`, and the marks above, below and behind letters. It begins with a letter or a
    digit.
    """
    tag = _composed(_composed(text.removeprefix("#")).lower())
    if not tag or len(tag) > LONGEST_TAG or tag[-1] in _JOINERS:
        return None
    letters = "".join(character for character in tag if not _is_mark(character))
    return tag if not _is_mark(tag[0]) and _PLAIN.fullmatch(letters) else None


def tag_key(tag: str) -> str:
    """The same for all spellings of one tag, such as `größe` and `grösse`."""
    return _composed(_composed(tag).casefold())


def united(*groups: Iterable[str]) -> tuple[str, ...]:
    """The tags of all groups in their order, each in the first of its spellings."""
    spelled: dict[str, str] = {}
    for group in groups:
        for tag in group:
            spelled.setdefault(tag_key(tag), tag)
    return tuple(spelled.values())


def has_tag(tags: Iterable[str], tag: str) -> bool:
    """Whether `tag` is among the tags, in whatever spelling."""
    return tag_key(tag) in map(tag_key, tags)


def _is_mark(character: str) -> bool:
    return character in _JOINERS or unicodedata.category(character).startswith("M")


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)
