"""The token: what lies under these paths is for those who bring it."""

from __future__ import annotations

import hmac
from http import HTTPStatus

from starlette.types import ASGIApp, Receive, Scope, Send

from services.api.problems import problem

GUARDED = ("/api", "/metrics")
"""With all that is below them, whether it exists or not, and whatever the method: no route can be forgotten.

The metrics too, also for callers on loopback: behind a proxy on the same host, everybody is one.
"""


def is_guarded(path: str) -> bool:
    """Whether only who brings the token gets an answer."""
    return any(path == prefix or path.startswith(f"{prefix}/") for prefix in GUARDED)


def guarded(app: ASGIApp, token: str) -> ASGIApp:
    """`app` for callers that send `token`."""
    expected = token.encode()

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        if not is_guarded(scope["path"]) or hmac.compare_digest(_given(scope), expected):
            await app(scope, receive, send)
            return
        refusal = problem(
            HTTPStatus.UNAUTHORIZED,
            "expected the header `Authorization: Bearer` with this environment's API_TOKEN",
            headers={"WWW-Authenticate": "Bearer"},
        )
        await refusal(scope, receive, send)

    return guard


def _given(scope: Scope) -> bytes:
    """What the one Authorization header brings, as bytes; nothing where there are two."""
    found = [value for name, value in scope["headers"] if name == b"authorization"]
    scheme, _, given = found[0].partition(b" ") if len(found) == 1 else (b"", b"", b"")
    return bytes(given.strip()) if scheme.lower() == b"bearer" else b""
