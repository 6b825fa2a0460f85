"""The calendar of what is due, at a secret address that can be revoked."""

from __future__ import annotations

import hmac
import secrets
from http import HTTPStatus

from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.calendar import calendar
from services.projections import items
from services.refusals import MissingError
from services.web.site import Site, Visit, change_of


async def change_calendar(site: Site, visit: Visit) -> Response:
    """Make a new address of the calendar, or none: whoever has the one before reads nothing from then on."""
    form = await change_of(site, visit)
    new = None if form.get("revoke") else secrets.token_urlsafe(24)
    site.sessions.file.change(lambda current: replace(current, calendar=new))
    return RedirectResponse("/system", HTTPStatus.SEE_OTHER)


async def feed(site: Site, request: Request) -> Response:
    """The calendar. Raises MissingError for another address than that of now."""
    secret = request.path_params["secret"].removesuffix(".ics")
    current = site.sessions.file.get().calendar
    if current is None or not hmac.compare_digest(secret.encode(), current.encode()):
        raise MissingError("there is no such calendar", "the page System shows its address")
    due = await site.service.look(items.all_due)
    body = calendar(due, site.identity.environment, site.now())
    return Response(body, media_type="text/calendar; charset=utf-8")
