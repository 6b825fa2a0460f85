"""Logging in and out."""

from __future__ import annotations

import math
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.api.problems import ProblemError
from services.api.responses import json_of
from services.login.sessions import is_own
from services.web import render
from services.web.site import Site, Visit, change_of, form_of, is_bare, local_path, set_cookie


async def show_login(site: Site, request: Request) -> Response:
    """The page that asks for the API token; with a one-time link, the page with its button."""
    target = local_path(request.query_params.get("next", "/"))
    if site.sessions.of(request.scope) is not None:
        return RedirectResponse(target, HTTPStatus.SEE_OTHER)
    link = request.query_params.get("link", "")
    if link and not site.sessions.is_link(link):
        message = "this link was used before, or is older than five minutes: ask the bot for another one"
        return _page(site, request, target, message, HTTPStatus.FORBIDDEN)
    return _page(site, request, target, link=link)


async def log_in(site: Site, request: Request) -> Response:
    """Begin a session. The page of a link has a button, since chats open links to show a preview of them."""
    if not is_own(request.scope):
        raise ProblemError(HTTPStatus.FORBIDDEN, "this form comes from another page: nothing was changed")
    form = await form_of(request)
    target = local_path(form.get("next", "/"))
    address = request.client.host if request.client else ""
    seconds = site.attempts.wait(address)
    if seconds:
        wait = math.ceil(seconds)
        message = f"too many attempts: try again in {wait} s"
        response = _page(site, request, target, message, HTTPStatus.TOO_MANY_REQUESTS)
        response.headers["Retry-After"] = str(wait)
        return response
    link = form.get("link", "")
    valid = site.sessions.use_link(link) if link else site.sessions.is_token(form.get("token", ""))
    if not valid:
        site.attempts.failed(address)
        message = "this link was used before, or is too old" if link else "this is not the API_TOKEN"
        return _page(site, request, target, message, HTTPStatus.FORBIDDEN)
    site.attempts.succeeded(address)
    response = RedirectResponse(target, HTTPStatus.SEE_OTHER)
    set_cookie(site, request, response, site.sessions.new())
    return response


async def log_out(site: Site, visit: Visit) -> Response:
    """End this session, or every session."""
    form = await change_of(site, visit)
    if form.get("everywhere"):
        site.sessions.end_all()
    else:
        site.sessions.end(visit.session)
    response = RedirectResponse("/login", HTTPStatus.SEE_OTHER)
    response.delete_cookie(
        site.sessions.cookie_name(visit.request.scope),
        httponly=True,
        samesite="strict",
        secure=visit.request.scope["scheme"] == "https",
    )
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


async def session(site: Site, request: Request) -> Response:
    """The token that a script has to send with each change; null for a browser that is not logged in."""
    known = site.sessions.of(request.scope)
    return json_of({"csrf": known.csrf if known else None})


def _page(
    site: Site,
    request: Request,
    target: str,
    message: str = "",
    status: HTTPStatus = HTTPStatus.OK,
    link: str = "",
) -> Response:
    values = {"target": target, "message": message, "link": link, "is_bare": is_bare(request)}
    return render.answer(site, request, "login.html", values, status)
