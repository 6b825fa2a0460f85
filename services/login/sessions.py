"""Sessions of browsers: a signed cookie instead of the API token, and one-time links that make one."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from msgspec import Struct
from starlette.types import Scope

from services.login.secrets_file import Secrets, SecretsFile

SESSION_SECONDS = 30 * 86_400
"""The life of a session after its last visit."""

RENEWED_AFTER = 86_400
"""The age from which on a session is renewed by a visit."""

LINK_SECONDS = 300
"""The life of a one-time link."""

OPEN = "open"
"""The id of everybody's session where there is no API token."""

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""The methods that change nothing."""


class Session(Struct, frozen=True):
    """A browser that is logged in."""

    id: str
    expires: int
    """Unix time."""
    csrf: str
    """The token that each change has to carry."""


class Sessions:
    """Issues sessions and recognises them. `token` is the API token; None: everybody is logged in."""

    def __init__(
        self,
        file: SecretsFile,
        token: str | None,
        environment: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.file = file
        self.token = token
        self._environment = environment
        self._clock = clock

    def cookie_name(self, scope: Scope) -> str:
        """The cookie's name: a browser sends the cookies of one host to all of its ports."""
        prefix = "__Host-" if scope["scheme"] == "https" else ""
        return f"{prefix}helionyx-{self._environment}"

    def new(self) -> str:
        """A new session, as the value of its cookie."""
        return self._signed("session", secrets.token_urlsafe(18), SESSION_SECONDS)

    def renewed(self, session: Session) -> str | None:
        """The cookie's value for a session that should be renewed; None where it is young."""
        if session.id == OPEN or session.expires - self._now() > SESSION_SECONDS - RENEWED_AFTER:
            return None
        return self._signed("session", session.id, SESSION_SECONDS)

    def of(self, scope: Scope) -> Session | None:
        """The session of a request; None without a valid one."""
        if self.token is None:
            return Session(OPEN, 0, self._csrf(self.file.get(), OPEN))
        text = _cookie(scope, self.cookie_name(scope))
        known = None if text is None else self._verified("session", text)
        if known is None:
            return None
        id_, expires = known
        return Session(id_, expires, self._csrf(self.file.get(), id_))

    def end(self, session: Session) -> None:
        """Log a browser out. Raises SecretsError."""
        self.file.end(session.id, self._now() + SESSION_SECONDS, self._now())

    def end_all(self) -> None:
        """Log every browser out. Raises SecretsError."""
        self.file.end_all()

    def link(self) -> str:
        """The secret of a new one-time link."""
        return self._signed("link", secrets.token_urlsafe(18), LINK_SECONDS)

    def address(self, pages: str | None) -> str | None:
        """The address of a new one-time link; None where that of the pages is not known."""
        return None if pages is None else f"{pages}/login?link={self.link()}"

    def is_link(self, text: str) -> bool:
        """Whether `text` is the secret of a link that was not used yet."""
        return self._verified("link", text) is not None

    def use_link(self, text: str) -> bool:
        """Whether `text` is the secret of a link that nobody has used before. Raises SecretsError."""
        known = self._verified("link", text)
        return known is not None and self.file.end(*known, self._now())

    def is_token(self, text: str) -> bool:
        """Whether `text` is the API token."""
        return self.token is not None and hmac.compare_digest(text.strip().encode(), self.token.encode())

    def may_change(self, scope: Scope, session: Session, csrf: str | None) -> bool:
        """Whether a request of this session may change something: it carries the session's `csrf` token."""
        return (
            is_own(scope) and csrf is not None and hmac.compare_digest(csrf.encode(), session.csrf.encode())
        )

    def _now(self) -> int:
        return int(self._clock())

    def _csrf(self, current: Secrets, id_: str) -> str:
        return self._signature(current, f"csrf.{id_}")[:32]

    def _signed(self, purpose: str, id_: str, seconds: int) -> str:
        text = f"{id_}.{self._now() + seconds}"
        return f"{text}.{self._signature(self.file.get(), f'{purpose}.{text}')}"

    def _verified(self, purpose: str, text: str) -> tuple[str, int] | None:
        """The id and the expiry of a signed text; None where it is not valid any more."""
        parts = text.split(".")
        if len(parts) != 3 or not text.isascii() or not parts[1].isdigit() or len(parts[1]) > 12:
            return None
        id_, expires, signature = parts
        current = self.file.get()
        expected = self._signature(current, f"{purpose}.{id_}.{expires}")
        if not hmac.compare_digest(signature, expected):
            return None
        return None if int(expires) <= self._now() or id_ in current.ended else (id_, int(expires))

    def _signature(self, current: Secrets, text: str) -> str:
        # With the token in the key, another API token ends all sessions as well.
        key = f"{current.key}.{self._environment}.{self.token or ''}".encode()
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def is_own(scope: Scope) -> bool:
    """Whether a request comes from a page of this service, as far as the browser says."""
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    if headers.get(b"sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = headers.get(b"origin")
    return origin is None or urlsplit(origin).netloc == headers.get(b"host")


def _cookie(scope: Scope, name: str) -> str | None:
    for header, value in scope["headers"]:
        if header == b"cookie":
            try:
                morsel = SimpleCookie(value.decode("latin-1")).get(name)
            except CookieError:
                continue
            if morsel is not None:
                return morsel.value
    return None
