"""Pages from templates: escaped text, an ETag, and 304 for who has the page already."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache, partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response

from services.web import assets, shown
from services.web.done import done_of
from services.web.plots import plot_of
from services.web.site import Site, Visit, is_bare

FOLDER = Path(__file__).resolve().parent / "templates"

NAVIGATION = (
    ("/", "Today"),
    ("/timeline", "Timeline"),
    ("/todos", "Todos"),
    ("/notes", "Notes"),
    ("/tracks", "Tracks"),
    ("/decisions", "Decisions"),
    ("/search", "Search"),
    ("/system", "System"),
)


@lru_cache(maxsize=1)
def templates() -> Environment:
    """The templates. Everything that they show is escaped."""
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals |= {
        "asset": assets.address,
        "navigation": NAVIGATION,
        "plot_of": plot_of,
        "is_late": shown.is_late,
        "moment_of": shown.moment_of,
    }
    return environment


async def page(
    site: Site, visit: Visit, template: str, values: Mapping[str, Any], status: HTTPStatus = HTTPStatus.OK
) -> Response:
    """The answer that is a page for somebody who is logged in."""
    now = site.now()
    head = await site.service.head()
    common = {
        "visit": visit,
        "now": now,
        "due_words": partial(shown.due_words, now=now),
        "time_words": partial(shown.time_words, now=now),
        "position": head.position,
        "form_key": f"{visit.session.csrf[:8]}-{head.position}",
        "is_bare": is_bare(visit.request),
        "done": await done_of(site, visit.parameter("did")),
        "here": visit.request.url.path + (f"?{visit.request.url.query}" if visit.request.url.query else ""),
    }
    return answer(site, visit.request, template, {**common, **values}, status)


def answer(
    site: Site, request: Request, template: str, values: Mapping[str, Any], status: HTTPStatus = HTTPStatus.OK
) -> Response:
    """The answer that is a page."""
    text = templates().get_template(template).render({"site": site, "identity": site.identity, **values})
    body = text.encode()
    etag = f'W/"{hashlib.sha256(body).hexdigest()[:20]}"'
    if status == HTTPStatus.OK and request.headers.get("if-none-match") == etag:
        return Response(None, HTTPStatus.NOT_MODIFIED, {"ETag": etag})
    headers = {"ETag": etag} if status == HTTPStatus.OK else {}
    return Response(body, status, headers, "text/html; charset=utf-8")
