"""The web application: its routes, and how errors are answered."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp

from services.api.access import observed
from services.api.events import event_routes
from services.api.health import health_routes
from services.api.messages import message_routes
from services.api.problems import (
    ProblemError,
    on_bug,
    on_disconnect,
    on_http_exception,
    on_problem,
    on_service_error,
)
from services.errors import HelionyxError
from services.identity import Identity
from services.service import Service


def build_app(service: Service, identity: Identity, token: str | None) -> ASGIApp:
    """The application for `service`. `token` is what callers of /api must bring; None leaves it open."""
    routes = [
        *health_routes(service, identity),
        *message_routes(service, token),
        *event_routes(service, token),
    ]
    handlers = {
        ProblemError: on_problem,
        HelionyxError: on_service_error,
        HTTPException: on_http_exception,
        ClientDisconnect: on_disconnect,
        Exception: on_bug,
    }
    return observed(Starlette(routes=routes, exception_handlers=handlers))
