"""Checks of a request's Host and Origin: the address must be ours, and the page not somebody else's.

A service on loopback without a token is open to every program on its machine, a browser among them: any page
that the browser shows could have it write, by a form or a `fetch`, or read under a name of its own that leads
to this address (DNS rebinding). The browser's headers Host and Origin tell such a page from a program.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any, cast

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from services.api.cors import is_shared
from services.api.front import is_page
from services.api.problems import problem

_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(?::[0-9]*)?")
_JSON = re.compile(r"application/([a-z0-9.+_-]+\+)?json\s*(;.*)?", re.IGNORECASE)


def addressed(app: ASGIApp) -> ASGIApp:
    """`app` for requests with one valid Host; HTTP/1.0 knows requests without one (RFC 9112, section 3.2)."""

    async def address(scope: Scope, receive: Receive, send: Send) -> None:
        hosts = _values(scope, b"host")
        valid = len(hosts) == 1 and _HOST.fullmatch(hosts[0])
        if valid or (not hosts and scope["http_version"] == "1.0"):
            await app(scope, receive, send)
            return
        actual = f"{len(hosts)} of them" if len(hosts) != 1 else repr(hosts[0][:100])
        refusal = problem(HTTPStatus.BAD_REQUEST, f"expected one valid Host header, found {actual}")
        await refusal(scope, receive, send)

    return address


def behind(app: ASGIApp, proxies: Sequence[str]) -> ASGIApp:
    """`app`, with the caller's address taken from X-Forwarded-For where one of the `proxies` sends it."""
    from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

    return cast(ASGIApp, ProxyHeadersMiddleware(cast(Any, app), list(proxies)))


def own_pages(app: ASGIApp, origins: Sequence[str] = ()) -> ASGIApp:
    """`app` for programs of this machine and pages of its own origin. A token makes this check needless.

    Pages of `origins` may call the API as well.
    """

    async def check_host(scope: Scope, receive: Receive, send: Send) -> None:
        refusal = _refusal(scope, origins) or (None if is_page(scope["path"]) else _no_form(scope))
        await (app if refusal is None else refusal)(scope, receive, send)

    return check_host


def _refusal(scope: Scope, shared_with: Sequence[str]) -> Response | None:
    hosts, origins = _values(scope, b"host"), _values(scope, b"origin")
    if any(not _is_loopback(host) for host in hosts):
        return problem(
            HTTPStatus.MISDIRECTED_REQUEST,
            f"expected a Host of this machine, found {hosts[0][:100]!r}",
            "without an API_TOKEN the service answers to localhost and to loopback addresses alone",
        )
    own = {f"{scheme}://{host}".lower() for host in hosts for scheme in ("http", "https")}
    if is_shared(scope["path"]):
        own.update(shared_with)
    if any(origin.lower() not in own for origin in origins):
        return problem(
            HTTPStatus.FORBIDDEN,
            f"expected no page of another origin, found {origins[0][:100]!r}",
            "name it in CORS_ORIGINS, or set an API_TOKEN, which pages of other origins have to send",
        )
    return None


def _no_form(scope: Scope) -> Response | None:
    """The refusal of a body that a form of any page could send. The forms of our pages have a token."""
    types = _values(scope, b"content-type")
    if _has_body(scope) and not (len(types) == 1 and _JSON.fullmatch(types[0])):
        return problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"expected a body of application/json, found {', '.join(types)[:100] or 'no Content-Type'}",
            "-H 'Content-Type: application/json' is the option of curl",
        )
    return None


def _is_loopback(host: str) -> bool:
    match = _HOST.fullmatch(host)
    name = match["name"].lower().rstrip(".") if match else host
    if name in ("", "localhost") or name.endswith(".localhost"):  # no browser leaves it empty
        return True
    try:
        address = ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def _has_body(scope: Scope) -> bool:
    lengths = _values(scope, b"content-length")
    return bool(_values(scope, b"transfer-encoding")) or any(length.strip() != "0" for length in lengths)


def _values(scope: Scope, header: bytes) -> list[str]:
    headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
    return [value.decode("latin-1") for name, value in headers if name == header]
