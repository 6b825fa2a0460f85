"""The pages that only read."""

from __future__ import annotations

import asyncio

from starlette.responses import RedirectResponse, Response

from services import deploy_history
from services.api.problems import ProblemError
from services.api.requests import LARGEST_POSITION, number
from services.config import ROOT
from services.domain.items import DECISION, NOTE, STATES, TODO, TRACK
from services.domain.tags import normal_tag
from services.projections import items, overview
from services.projections import search as search_model
from services.projections.pages import END
from services.refusals import MissingError
from services.web import memory, render, shown
from services.web.changes import CHANGES, OFFERED
from services.web.site import Site, Visit

PAGE = 50
"""The most items of a page."""

LONGEST_QUERY = 200


async def today(site: Site, visit: Visit) -> Response:
    """The page of what is due, to be done and to be decided."""
    now = site.now()
    day = await site.service.look(lambda models: overview.day(models, now))
    return await render.page(site, visit, "today.html", {"day": day, "changes": CHANGES, "offered": OFFERED})


async def timeline(site: Site, visit: Visit) -> Response:
    """The page of what was said and done, the newest first."""
    before = _before(visit)
    entries = await site.service.timeline(before or END, PAGE, shown.SHOWN_TYPES)
    keys = {shown.key_in(entry) for entry in entries}
    about = await site.service.look(lambda models: overview.about(models, keys))
    following = entries[-1].position if len(entries) == PAGE else None
    values = {"rows": shown.rows(entries, about), "next": following}
    return await render.page(site, visit, "timeline.html", values)


async def todos(site: Site, visit: Visit) -> Response:
    """The page of all todos."""
    return await _listed(site, visit, TODO)


async def notes(site: Site, visit: Visit) -> Response:
    """The page of all notes."""
    return await _listed(site, visit, NOTE)


async def decisions(site: Site, visit: Visit) -> Response:
    """The page of all decisions."""
    return await _listed(site, visit, DECISION)


async def _listed(site: Site, visit: Visit, kind: str) -> Response:
    tag = normal_tag(visit.parameter("tag"))
    default = "open" if kind == TODO else ""
    state = visit.parameter("state") or default
    states = (state,) if state in STATES[kind] else ()
    before = _before(visit)
    page = await site.service.look(lambda models: overview.listed(models, kind, before, PAGE, states, tag))
    values = {
        "kind": kind,
        "page": page,
        "tag": tag,
        "state": state,
        "states": STATES[kind],
        "changes": CHANGES,
        "offered": OFFERED,
    }
    return await render.page(site, visit, "listed.html", values)


async def tracks(site: Site, visit: Visit) -> Response:
    """The page of all tracks, each with a small plot."""
    before = _before(visit)
    listed, following = await site.service.look(lambda models: overview.tracks(models, before, 20))
    values = {"tracks": listed, "next": following, "changes": CHANGES, "offered": OFFERED}
    return await render.page(site, visit, "tracks.html", values)


async def item(site: Site, visit: Visit) -> Response:
    """The page of one item. Raises MissingError."""
    text = visit.request.path_params["number"]
    if not (text.isascii() and text.isdigit() and len(text) < 20 and 0 < int(text) <= LARGEST_POSITION):
        raise MissingError(f"expected a number, found {text[:40]!r}")
    one = await site.service.item(int(text))
    tracked = None
    if one.kind == TRACK:
        tracked = await site.service.look(lambda models: overview.tracked(models, one))
    values = {"item": one, "tracked": tracked, "changes": CHANGES, "offered": OFFERED}
    return await render.page(site, visit, "item.html", values)


async def search(site: Site, visit: Visit) -> Response:
    """The page of a search, and its tags."""
    query = visit.parameter("q")
    if len(query) > LONGEST_QUERY:
        raise ProblemError(400, f"expected at most {LONGEST_QUERY} characters, found {len(query)}")  # type: ignore[arg-type]
    before = _before(visit)
    hits = await site.service.look(
        lambda models: search_model.search(models, query, before or END, PAGE) if query.strip() else ()
    )
    tags = {} if query.strip() else await site.service.look(items.tags)
    following = hits[-1].position if len(hits) == PAGE else None
    values = {"query": query, "hits": hits, "next": following, "tags": list(tags.items())[:100]}
    return await render.page(site, visit, "search.html", values)


async def system(site: Site, visit: Visit) -> Response:
    """The page of the service itself."""
    contents = await site.service.contents()
    values = {
        "contents": contents,
        "trouble": site.service.not_ready or site.service.space.reason,
        "bot": site.telegram.facts(),
        "memory": memory.resident_mebibytes(),
        "zone": str(site.service.zone),
        "deploys": await asyncio.to_thread(deploy_history.deploys, ROOT),
        "calendar": site.sessions.file.get().calendar,
        "is_open": site.sessions.token is None,
    }
    return await render.page(site, visit, "system.html", values)


async def share(_site: Site, visit: Visit) -> Response:
    """Take a text that another app shares: it is shown in the input line, and not recorded by itself."""
    from urllib.parse import urlencode

    parts = [visit.parameter(name).strip() for name in ("title", "text", "url")]
    text = "\n".join(dict.fromkeys(part for part in parts if part))
    return RedirectResponse(f"/?{urlencode({'text': text})}", 303)


def _before(visit: Visit) -> int | None:
    return number(visit.request, "before", 0, LARGEST_POSITION) or None
