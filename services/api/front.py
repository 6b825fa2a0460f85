"""The paths of pages, and the pages themselves, loaded with the first visit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from services.login.sessions import Sessions

PATHS = (
    *("/", "/timeline", "/todos", "/notes", "/tracks", "/decisions", "/search", "/system"),
    *("/items/{number}", "/items/{number}/{verb}", "/messages", "/preview", "/share", "/session"),
    *("/login", "/logout", "/calendar", "/calendar/{secret}", "/static/{name}"),
    *("/manifest.webmanifest", "/sw.js", "/favicon.ico"),
)
"""The paths of pages, and of what browsers load beside them."""

_FIRST = frozenset(path.split("/")[1] for path in PATHS)


def is_page(path: str) -> bool:
    """Whether a path is that of a page, and not one of the API."""
    return path.partition("/")[2].partition("/")[0] in _FIRST


@dataclass(frozen=True)
class Pages:
    """The pages, as far as the API knows them."""

    sessions: Sessions
    """The browsers that are logged in: the API answers them as well."""
    load: Callable[[], ASGIApp]
    """Builds the application of the pages; called in a thread, with the first visit."""


class Front:
    """Sends requests for pages to the pages' application, and all others to the API's."""

    def __init__(self, api: ASGIApp, pages: Pages) -> None:
        self._api = api
        self._load = pages.load
        self._pages: ASGIApp | None = None
        self._loading = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if not is_page(scope["path"]):
            await self._api(scope, receive, send)
            return
        if self._pages is None:
            async with self._loading:
                if self._pages is None:
                    self._pages = await asyncio.to_thread(self._load)
        await self._pages(scope, receive, send)
