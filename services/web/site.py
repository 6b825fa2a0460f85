"""The parts that all pages share: the service, the visitor, forms and cookies."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import parse_qsl, quote, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.api.problems import ProblemError, problem
from services.api.requests import body_of
from services.domain.due import local
from services.identity import Identity
from services.login.attempts import Attempts
from services.login.sessions import SAFE, SESSION_SECONDS, Session, Sessions
from services.service import Service
from services.telegram.status import Status

SOURCE = "web"

Form = dict[str, str]


@dataclass(frozen=True)
class Site:
    """One environment's pages."""

    service: Service
    identity: Identity
    sessions: Sessions
    telegram: Status
    attempts: Attempts = field(default_factory=Attempts)

    def now(self) -> datetime:
        """The present time, as the clocks of the environment's zone show it."""
        return local(datetime.now(UTC), self.service.zone)


@dataclass(frozen=True)
class Visit:
    """A request of somebody who is logged in."""

    request: Request
    session: Session

    def parameter(self, name: str) -> str:
        """A parameter of the query; empty where it is not given."""
        return self.request.query_params.get(name, "")


Page = Callable[[Visit], Awaitable[Response]]


def for_visitors(site: Site, page: Page) -> Callable[[Request], Awaitable[Response]]:
    """`page` for those who are logged in; others are sent to log in, and come back."""

    async def handle(request: Request) -> Response:
        session = site.sessions.of(request.scope)
        if session is None:
            return _login_first(request)
        response = await page(Visit(request, session))
        renewed = site.sessions.renewed(session)
        if renewed is not None:
            set_cookie(site, request, response, renewed)
        return response

    return handle


def _login_first(request: Request) -> Response:
    if wants_json(request):
        return problem(HTTPStatus.UNAUTHORIZED, "expected a session", "log in at /login")
    target = request.url.path if request.method in SAFE else "/"
    if request.method in SAFE and request.url.query:
        target += f"?{request.url.query}"
    return RedirectResponse(f"/login?next={quote(target, safe='')}", HTTPStatus.SEE_OTHER)


def set_cookie(site: Site, request: Request, response: Response, value: str) -> None:
    """Give the browser a session."""
    response.set_cookie(
        site.sessions.cookie_name(request.scope),
        value,
        max_age=SESSION_SECONDS,
        httponly=True,
        samesite="strict",
        secure=request.scope["scheme"] == "https",
    )


def is_bare(request: Request) -> bool:
    """Whether what is typed crosses a network unencrypted."""
    if request.scope["scheme"] == "https":
        return False
    try:
        return not ipaddress.ip_address(request.client.host if request.client else "").is_loopback
    except ValueError:
        return False


def wants_json(request: Request) -> bool:
    """Whether the caller is a script."""
    return request.headers.get("accept", "").startswith("application/json")


async def form_of(request: Request) -> Form:
    """The fields of a form, each once. Raises ProblemError."""
    expected = "application/x-www-form-urlencoded"
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != expected:
        raise ProblemError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"expected a form ({expected})")
    try:
        text = (await body_of(request)).decode("ascii")
        fields = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=20)
    except ValueError:
        raise ProblemError(HTTPStatus.BAD_REQUEST, "expected the fields of a form in UTF-8") from None
    return dict(fields)


async def change_of(site: Site, visit: Visit) -> Form:
    """The fields of a form that changes something. Raises ProblemError (403) for a form of another page."""
    fields = await form_of(visit.request)
    csrf = visit.request.headers.get("x-csrf-token") or fields.get("csrf")
    if not site.sessions.may_change(visit.request.scope, visit.session, csrf):
        raise ProblemError(
            HTTPStatus.FORBIDDEN,
            "this form does not belong to your session: nothing was changed",
            "reload the page, and send it again",
        )
    return fields


def local_path(text: str, default: str = "/") -> str:
    """`text`, if it is an address of these pages; else `default`."""
    parts = urlsplit(text)
    is_local = text.startswith("/") and not text.startswith("//") and not (parts.scheme or parts.netloc)
    return text if is_local and "\\" not in text and text.isprintable() else default
