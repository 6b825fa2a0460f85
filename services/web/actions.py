"""Forms that record something: a message, or a change of an item."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.api.problems import ProblemError
from services.api.requests import LARGEST_POSITION
from services.api.responses import json_of
from services.domain.commands import RecordMessage
from services.message_events import commands_of
from services.refusals import MissingError
from services.snooze import snooze
from services.web import render, shown
from services.web.changes import CHANGES
from services.web.done import did
from services.web.site import SOURCE, Form, Site, Visit, change_of, local_path, wants_json

EARLIEST = timedelta(days=366)
"""The age up to which a message that waited in a browser keeps the time at which it was typed."""


async def add_message(site: Site, visit: Visit) -> Response:
    """Record a message. Every form and every waiting entry has a key, with which it is recorded once."""
    form = await change_of(site, visit)
    text = form.get("text", "").replace("\r\n", "\n")
    recorded = await site.service.tell(text, SOURCE, _key(form, text), _typed_at(form))
    number = None if recorded.about is None else (await site.service.item(recorded.about)).position
    if wants_json(visit.request):
        entry = {"position": recorded.entries[0].position, "number": number, "repeated": recorded.repeated}
        return json_of(entry, HTTPStatus.OK if recorded.repeated else HTTPStatus.CREATED)
    target = local_path(form.get("next", "/"))
    return RedirectResponse(target if number is None else did(target, "added", number), HTTPStatus.SEE_OTHER)


async def change_item(site: Site, visit: Visit) -> Response:
    """Do what the path says with an item."""
    form = await change_of(site, visit)
    number, change = _number(visit.request), CHANGES.get(visit.request.path_params["verb"])
    if change is None:
        raise MissingError(f"there is no change {visit.request.path_params['verb'][:40]!r}")
    item, value = await site.service.item(number), form.get("value", "")
    key = _key(form, visit.request.url.path + value)
    if change.command is None:
        await snooze(site.service, item.position, value, SOURCE, datetime.now(UTC), key)
    else:
        await site.service.record(change.command(item, value, site.now()), key)
    target = did(
        local_path(form.get("next", "/")),
        visit.request.path_params["verb"],
        item.position,
        change.value(item, value),
    )
    return RedirectResponse(target, HTTPStatus.SEE_OTHER)


async def preview(site: Site, visit: Visit) -> Response:
    """Show how a text will be taken, while it is typed."""
    text = visit.parameter("text")
    now = site.now()
    parts = []
    if text.strip():
        parts = shown.command_words(commands_of(RecordMessage(text, source=SOURCE), now)[-1], now)
    return render.answer(site, visit.request, "preview.html", {"parts": parts})


def _key(form: Form, text: str) -> str | None:
    """The idempotency key of a form: another text is another entry, though the page be the same."""
    key = form.get("key", "")
    if not key:
        return None
    if not (len(key) <= 100 and key.isascii() and key.isprintable()):
        raise ProblemError(HTTPStatus.BAD_REQUEST, "expected a key of up to 100 ASCII characters")
    return key if form.get("queued") else f"{key}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _typed_at(form: Form) -> datetime | None:
    """The time at which a message was typed that waited in the browser; None for now."""
    text = form.get("typed_at")
    if text is None:
        return None
    try:
        typed = datetime.fromisoformat(text)
        moment = typed.astimezone(UTC) if typed.tzinfo is not None else None
    except (ValueError, OverflowError):
        moment = None
    if moment is None:
        raise ProblemError(
            HTTPStatus.BAD_REQUEST, f"expected typed_at to be a time with its zone, found {text[:40]!r}"
        )
    # The clock of a phone may be wrong: such a time is no better than the time of recording.
    now = datetime.now(UTC)
    return moment if now - EARLIEST < moment < now - timedelta(seconds=60) else None


def _number(request: Request) -> int:
    text = request.path_params["number"]
    if not (text.isascii() and text.isdigit() and len(text) < 20 and 0 < int(text) <= LARGEST_POSITION):
        raise MissingError(f"expected a number, found {text[:40]!r}")
    return int(text)
