"""Authentication: the paths that need the token."""

from __future__ import annotations

import hmac
from http import HTTPStatus

from starlette.types import ASGIApp, Receive, Scope, Send

from services.api.problems import problem
from services.login.sessions import SAFE, Sessions

GUARDED = ("/api", "/metrics")
"""Prefixes, with all paths below them and all methods: no route can be forgotten.

The metrics too, also for callers on loopback: behind a proxy on the same host, everybody is one.
"""


def is_guarded(path: str) -> bool:
    """Whether a path needs the token."""
    return any(path == prefix or path.startswith(f"{prefix}/") for prefix in GUARDED)


def guarded(app: ASGIApp, token: str, sessions: Sessions | None) -> ASGIApp:
    """Let only callers that send `token` reach `app`, and browsers that are logged in."""
    expected = token.encode()

    async def authenticate(scope: Scope, receive: Receive, send: Send) -> None:
        if not is_guarded(scope["path"]) or hmac.compare_digest(_given(scope), expected):
            await app(scope, receive, send)
            return
        if sessions is not None and _is_session(scope, sessions):
            await app(scope, receive, send)
            return
        refusal = problem(
            HTTPStatus.UNAUTHORIZED,
            "expected the header `Authorization: Bearer` with this environment's API_TOKEN",
            headers={"WWW-Authenticate": "Bearer"},
        )
        await refusal(scope, receive, send)

    return authenticate


def _is_session(scope: Scope, sessions: Sessions) -> bool:
    """Whether a browser may send this request: for a change it has to send the session's token as well."""
    session = sessions.of(scope)
    if session is None:
        return False
    tokens = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-csrf-token"]
    return scope["method"] in SAFE or sessions.may_change(scope, session, tokens[0] if tokens else None)


def _given(scope: Scope) -> bytes:
    """The token of the Authorization header; empty without one, and with two."""
    headers = [value for name, value in scope["headers"] if name == b"authorization"]
    scheme, _, given = headers[0].partition(b" ") if len(headers) == 1 else (b"", b"", b"")
    return bytes(given.strip()) if scheme.lower() == b"bearer" else b""
