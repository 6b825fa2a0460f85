"""Errors as callers see them: `application/problem+json` (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from weakref import WeakSet

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from services.api.responses import json_of
from services.errors import HelionyxError
from services.event_log.errors import BusyError, ConflictError, EventLogError, FullDiskError
from services.login.secrets_file import SecretsError
from services.logs import REQUEST_ID, log_failure
from services.refusals import GoneError, MissingError, NotReadyError, RefusedError, RehearsalError, StateError

STATUSES: dict[type[HelionyxError], HTTPStatus] = {
    BusyError: HTTPStatus.SERVICE_UNAVAILABLE,
    ConflictError: HTTPStatus.CONFLICT,
    GoneError: HTTPStatus.GONE,
    MissingError: HTTPStatus.NOT_FOUND,
    NotReadyError: HTTPStatus.SERVICE_UNAVAILABLE,
    RefusedError: HTTPStatus.UNPROCESSABLE_ENTITY,
    RehearsalError: HTTPStatus.SERVICE_UNAVAILABLE,
    SecretsError: HTTPStatus.SERVICE_UNAVAILABLE,
    StateError: HTTPStatus.CONFLICT,
}
"""The status of each error of the service that its caller causes. All others are 5xx.

What the disk does to the log is trouble that passes, and that a person has to see to: 503, and a line in the
log. The rest is 500, with a traceback.
"""

LONGEST_PATH = 200
"""In characters: how much of a path that there is not is said back."""

_logged: WeakSet[HelionyxError] = WeakSet()


class ProblemError(HelionyxError):
    """A request that cannot be answered as it was meant."""

    def __init__(
        self, status: HTTPStatus, message: str, hint: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message, hint)
        self.status = status
        self.headers = headers


def problem(
    status: HTTPStatus, message: str, hint: str = "", headers: Mapping[str, str] | None = None
) -> Response:
    """The response for one error."""
    content = {"type": "about:blank", "title": status.phrase, "status": status, "detail": message}
    request_id = REQUEST_ID.get()
    content |= {"hint": hint} if hint else {}
    content |= {"request_id": request_id} if request_id else {}
    return json_of(content, status, headers, "application/problem+json")


def unfinished(message: str) -> Response:
    """The response for a request that was given up, and may still be carried out."""
    hint = "the change may have been recorded: repeat the request with the same Idempotency-Key"
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, message, hint, {"Retry-After": "1"})


async def on_problem(_request: Request, error: Exception) -> Response:
    """Answer a ProblemError."""
    assert isinstance(error, ProblemError)
    return problem(error.status, error.message, error.hint, error.headers)


async def on_service_error(_request: Request, error: Exception) -> Response:
    """Answer an error that a caller can do something about; others are raised on, to be logged."""
    assert isinstance(error, HelionyxError)
    status = STATUSES.get(type(error))
    if status is None and type(error) in (EventLogError, FullDiskError):
        log_once(error)
        status = HTTPStatus.SERVICE_UNAVAILABLE
    if status is None:
        raise error
    headers = {"Retry-After": "1"} if status == HTTPStatus.SERVICE_UNAVAILABLE else None
    return problem(status, error.message, error.hint, headers)


def log_once(error: HelionyxError) -> None:
    """Log an error that a person has to act on, once for all callers that get it."""
    if error not in _logged:
        _logged.add(error)
        log_failure(error)


async def on_http_exception(request: Request, error: Exception) -> Response:
    """Answer what the router refuses: no such path, no such method."""
    assert isinstance(error, HTTPException)
    status, path = HTTPStatus(error.status_code), request.scope["path"][:LONGEST_PATH]
    if status == HTTPStatus.NOT_FOUND:
        return problem(status, f"there is no path {path}", "GET /openapi.json lists all paths")
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (error.headers or {}).get("Allow", "another method")
        message = f"{path} does not allow {request.method}"
        return problem(status, message, f"allowed: {allowed}", error.headers)
    return problem(status, error.detail, headers=error.headers)


async def on_disconnect(_request: Request, _error: Exception) -> Response:
    """The caller has disconnected in the middle of its request: nobody gets this, and nothing is wrong."""
    return problem(HTTPStatus.BAD_REQUEST, "the request ended before its body was complete")


async def on_bug(_request: Request, _error: Exception) -> Response:
    """Answer anything else. The traceback goes to the log, not to the caller."""
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal error", "the log has it under this request_id")
