"""The pages' application. It is imported with the first visit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from services.api.problems import STATUSES, ProblemError, log_once, on_disconnect, problem
from services.errors import HelionyxError
from services.event_log.errors import EventLogError, FullDiskError
from services.web import actions, assets, feeds, login, pages, render, shell
from services.web.headers import secured
from services.web.site import Site, Visit, for_visitors, wants_json

SMALLEST_ZIPPED = 600
"""In bytes: the smallest page that is compressed."""


def build_pages(site: Site) -> ASGIApp:
    """The application of the pages."""
    render.templates()
    app = Starlette(
        routes=[*_routes_of_pages(site), *_routes_of_forms(site), *_open_routes(site)],
        exception_handlers={
            ClientDisconnect: on_disconnect,
            HTTPException: partial(_on_http, site),
            HelionyxError: partial(_on_refusal, site),
            Exception: partial(_on_bug, site),
        },
    )
    app.router.redirect_slashes = False
    return secured(GZipMiddleware(app, minimum_size=SMALLEST_ZIPPED, compresslevel=6))


def _routes_of_pages(site: Site) -> list[Route]:
    read = {
        "/": pages.today,
        "/timeline": pages.timeline,
        "/todos": pages.todos,
        "/notes": pages.notes,
        "/tracks": pages.tracks,
        "/decisions": pages.decisions,
        "/search": pages.search,
        "/system": pages.system,
        "/share": pages.share,
        "/items/{number}": pages.item,
        "/preview": actions.preview,
    }
    return [Route(path, _for(site, page), methods=["GET"]) for path, page in read.items()]


def _routes_of_forms(site: Site) -> list[Route]:
    forms = {
        "/messages": actions.add_message,
        "/items/{number}/{verb}": actions.change_item,
        "/logout": login.log_out,
        "/calendar": feeds.change_calendar,
    }
    return [Route(path, _for(site, form), methods=["POST"]) for path, form in forms.items()]


def _open_routes(site: Site) -> list[Route]:
    """The routes that need no session."""
    return [
        Route("/login", partial(login.show_login, site), methods=["GET"]),
        Route("/login", partial(login.log_in, site), methods=["POST"]),
        Route("/session", partial(login.session, site), methods=["GET"]),
        Route("/calendar/{secret}", partial(feeds.feed, site), methods=["GET"]),
        Route("/static/{name}", assets.asset, methods=["GET"]),
        Route("/manifest.webmanifest", partial(shell.manifest, site), methods=["GET"]),
        Route("/sw.js", shell.service_worker, methods=["GET"]),
        Route("/favicon.ico", partial(shell.icon, site), methods=["GET"]),
    ]


def _for(
    site: Site, page: Callable[[Site, Visit], Awaitable[Response]]
) -> Callable[[Request], Awaitable[Response]]:
    return for_visitors(site, partial(page, site))


async def _on_refusal(site: Site, request: Request, error: Exception) -> Response:
    """Answer an error that a person can do something about; others are raised on, to be logged."""
    assert isinstance(error, HelionyxError)
    status = error.status if isinstance(error, ProblemError) else STATUSES.get(type(error))
    if status is None and type(error) in (EventLogError, FullDiskError):
        log_once(error)
        status = HTTPStatus.SERVICE_UNAVAILABLE
    if status is None:
        raise error
    return _error_page(site, request, HTTPStatus(status), error.message, error.hint)


async def _on_http(site: Site, request: Request, error: Exception) -> Response:
    """Answer what the router refuses."""
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    response = _error_page(
        site, request, status, f"{request.scope['path'][:200]}: {status.phrase.lower()}", ""
    )
    response.headers.update(error.headers or {})
    return response


async def _on_bug(site: Site, request: Request, _error: Exception) -> Response:
    """Answer anything else. The traceback goes to the log."""
    message, hint = "internal error", "the log has it under this request's id"
    return _error_page(site, request, HTTPStatus.INTERNAL_SERVER_ERROR, message, hint)


def _error_page(site: Site, request: Request, status: HTTPStatus, message: str, hint: str) -> Response:
    headers = {"Retry-After": "1"} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    if wants_json(request):
        return problem(status, message, hint, headers)
    values = {"message": message, "hint": hint, "status": status}
    response = render.answer(site, request, "error.html", values, status)
    response.headers.update(headers)
    return response
