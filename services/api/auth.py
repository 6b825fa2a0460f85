"""Authentication: the paths that need the token."""

from __future__ import annotations

import hmac
from http import HTTPStatus

from starlette.types import ASGIApp, Receive, Scope, Send

from services.api.problems import problem

GUARDED = ("/api", "/metrics")
"""Prefixes, with all paths below them and all methods: no route can be forgotten.

The metrics too, also for callers on loopback: behind a proxy on the same host, everybody is one.
"""


def is_guarded(path: str) -> bool:
    """Whether a path needs the token."""
    return any(path == prefix or path.startswith(f"{prefix}/") for prefix in GUARDED)


def guarded(app: ASGIApp, token: str) -> ASGIApp:
    """Let only callers that send `token` reach `app`."""
    expected = token.encode()

    async def authenticate(scope: Scope, receive: Receive, send: Send) -> None:
        if not is_guarded(scope["path"]) or hmac.compare_digest(_given(scope), expected):
            await app(scope, receive, send)
            return
        refusal = problem(
            HTTPStatus.UNAUTHORIZED,
            "expected the header `Authorization: Bearer` with this environment's API_TOKEN",
            headers={"WWW-Authenticate": "Bearer"},
        )
        await refusal(scope, receive, send)

    return authenticate


def _given(scope: Scope) -> bytes:
    """The token of the Authorization header; empty without one, and with two."""
    headers = [value for name, value in scope["headers"] if name == b"authorization"]
    scheme, _, given = headers[0].partition(b" ") if len(headers) == 1 else (b"", b"", b"")
    return bytes(given.strip()) if scheme.lower() == b"bearer" else b""
