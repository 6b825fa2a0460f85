"""Taking secrets out of what is about to be written: the configured ones, and whatever looks like one."""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import quote

REDACTED = "[redacted]"

SHORTEST_PART = 16
"""From this length on, the part of a bot's token behind the colon is a secret of its own."""

_LIKE_A_BOT = r"(?<![0-9])[0-9]{5,}(?::|%3[Aa])[A-Za-z0-9_-]{20,}"

# `Authorization: Bearer x`, {'authorization': 'Bearer x'}, (b'authorization', b'Basic x'), also with escaped
# quotes. A quoted value goes up to its quote, another one to the end of the line: it may have spaces in it.
_AUTHORIZATION = (
    r"(?P<name>(?i:authorization)\\*['\"]?\s*[:=,]\s*)"
    r"(?:b?(?P<quote>\\*['\"]).*?(?P=quote)|[^\r\n]+)"
)

_BEARER = r"(?P<scheme>\b(?i:bearer)(?:\s+|%20))[^\s'\",]{8,}"


class Redactor:
    """Replaces secrets in text. `secrets` are those that are known word for word."""

    def __init__(self, secrets: Collection[str] = ()) -> None:
        forms = {form for secret in secrets for form in _forms(secret)}
        known = "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))
        shapes = "|".join((_AUTHORIZATION, _BEARER, _LIKE_A_BOT))
        # The known ones first, and by themselves: no shape may end in the middle of one.
        self._known = re.compile(known) if known else None
        self._shapes = re.compile(shapes)

    def names(self, text: str) -> bool:
        """Whether what belongs to the name `text` is a secret whatever it looks like."""
        return "authorization" in text.lower()

    def __call__(self, text: str) -> str:
        """`text` without secrets."""
        if self._known is not None:
            text = self._known.sub(REDACTED, text)
        return self._shapes.sub(_without_value, text)


def _without_value(match: re.Match[str]) -> str:
    return f"{match['name'] or match['scheme'] or ''}{REDACTED}"


def _forms(secret: str) -> set[str]:
    """The ways in which a secret turns up: as it is, in a repr or in JSON, and in an address."""
    parts = {secret, secret.partition(":")[2]}
    words = {part for part in parts if part == secret or len(part) >= SHORTEST_PART}
    escaped = {word.replace("\\", "\\\\").replace(mark, f"\\{mark}") for word in words for mark in "'\""}
    addresses = {form for word in words for form in (quote(word), quote(word, safe=""))}
    return words | escaped | addresses
