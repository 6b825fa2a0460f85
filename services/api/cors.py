"""Cross-origin requests: pages of the configured origins may call the API from a browser."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.types import ASGIApp, Receive, Scope, Send

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE")
REQUEST_HEADERS = ("Authorization", "Idempotency-Key", "Last-Event-ID", "X-Request-Id")
ANSWER_HEADERS = ("Location", "Retry-After", "X-Request-Id")


def is_shared(path: str) -> bool:
    """Whether a path is one of the API: pages of other origins may call no other."""
    return path == "/api" or path.startswith("/api/")


def shared(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """`app`, whose API a page of these origins may call; its browser sends no cookies there.

    A preflight of such a page is answered here, since it has no token. That of another page goes on to
    `app`, which answers as if nothing were shared.
    """
    # Only here: most environments share with nobody.
    from starlette.middleware.cors import CORSMiddleware

    cors = CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=METHODS,
        allow_headers=REQUEST_HEADERS,
        expose_headers=ANSWER_HEADERS,
        # A public page may be meant to call a service in a private network: its origin was named.
        allow_private_network=True,
    )

    async def share(scope: Scope, receive: Receive, send: Send) -> None:
        is_foreign = scope["method"] == "OPTIONS" and not any(
            name == b"origin" and value.decode("latin-1") in origins for name, value in scope["headers"]
        )
        within = is_shared(scope["path"]) and not is_foreign
        await (cors if within else app)(scope, receive, send)

    return share
