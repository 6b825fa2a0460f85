"""The web application: its routes, and how errors are answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Route
from starlette.types import ASGIApp

from services.api import (
    decisions,
    events,
    export,
    front,
    health,
    kinds,
    messages,
    metrics,
    notes,
    openapi,
    search,
    streams,
    tags,
    timeline,
    todos,
    tracks,
)
from services.api.addressing import addressed, behind, own_pages
from services.api.auth import guarded
from services.api.cors import shared
from services.api.front import Front, Pages
from services.api.measures import Measures
from services.api.problems import (
    ProblemError,
    on_bug,
    on_disconnect,
    on_http_exception,
    on_problem,
    on_service_error,
)
from services.api.query_validation import only_declared
from services.api.request_log import observed
from services.api.timeouts import limited
from services.errors import HelionyxError
from services.identity import Identity
from services.service import Service
from services.telegram.status import Status

KINDS = (todos.KIND, notes.KIND, tracks.KIND, decisions.KIND)

OPERATIONS = (
    health.OPERATIONS,
    messages.OPERATIONS,
    *(kinds.operations(kind) for kind in KINDS),
    todos.SNOOZE,
    tracks.ENTRIES,
    tags.OPERATIONS,
    search.OPERATIONS,
    timeline.OPERATIONS,
    events.OPERATIONS,
    export.OPERATIONS,
    streams.OPERATIONS,
    metrics.OPERATIONS,
)

HANDLERS: dict[Any, Any] = {
    ProblemError: on_problem,
    HelionyxError: on_service_error,
    HTTPException: on_http_exception,
    ClientDisconnect: on_disconnect,
    Exception: on_bug,
}


def build_app(
    service: Service,
    identity: Identity,
    token: str | None,
    telegram: Status,
    pages: Pages | None = None,
    proxies: Sequence[str] = (),
    origins: Sequence[str] = (),
    certificate_end: Callable[[], datetime] | None = None,
) -> ASGIApp:
    """The application for `service`: the API, and the pages.

    Callers must send `token`, as in `auth`; None leaves the API open. `telegram` is the state of the bot.
    `proxies` are believed when they name the caller. Pages of `origins` may call the API.
    `certificate_end` returns the end of the certificate.
    """
    measures = Measures([path for part in (*OPERATIONS, openapi.OPERATIONS, front.PATHS) for path in part])
    routes = [
        *health.health_routes(service, identity, telegram, measures),
        *only_declared(_asked(service, measures), OPERATIONS),
        *metrics.metrics_routes(service, identity, measures, telegram, certificate_end),
        *openapi.described_routes(OPERATIONS),
    ]
    app = Starlette(routes=routes, exception_handlers=HANDLERS)
    app.router.redirect_slashes = False  # a path that does not exist is a problem like any other

    api = app if token is None else guarded(app, token, pages.sessions if pages else None)
    inner = Front(api, pages) if pages else api
    inner = own_pages(inner, origins) if token is None else inner
    whole = observed(_limited(inner, origins), measures.answer)
    return behind(whole, proxies) if proxies else whole


def _limited(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    limited_app = limited(addressed(app))
    # Outside of all that may refuse: a page reads the refusal as well.
    return shared(limited_app, origins) if origins else limited_app


def _asked(service: Service, measures: Measures) -> list[Route]:
    """Commands and questions to the service."""
    return [
        *messages.message_routes(service),
        *(route for kind in KINDS for route in kinds.routes(kind, service)),
        *todos.snooze_routes(service),
        *tracks.entry_routes(service),
        *tags.tag_routes(service),
        *search.search_routes(service),
        *timeline.timeline_routes(service),
        *events.event_routes(service),
        *export.export_routes(service),
        *streams.stream_routes(service, measures),
    ]
