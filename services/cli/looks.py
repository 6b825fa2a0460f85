"""Commands that only read: search, numbers, timeline and status."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from services.cli.client import Client
from services.cli.output import Output

API = "/api/v1"

KINDS = {
    "MessageRecorded": "message",
    "TodoAdded": "todo",
    "NoteTaken": "note",
    "TrackStarted": "track",
    "TrackEntryAdded": "entry",
}
"""The kind of item of each type of event; all others are about decisions."""


def search(client: Client, out: Output, options: argparse.Namespace) -> int:
    """Print the search results, the newest first."""
    page = client.listed(f"{API}/search", "hits", options.limit, q=" ".join(options.words))
    if out.as_json:
        out.value(page)
        return 0
    rows = [_row(hit, out) for hit in page["hits"]]
    beyond = None if page["next"] is None else options.limit
    out.page(("number", "time", "what", "state", "text"), rows, "no results", beyond)
    return 0


def _row(hit: Mapping[str, Any], out: Output) -> tuple[str, ...]:
    """A row for a hit: an item has its number and state, a message the position at which it was recorded."""
    number = hit.get("number") or hit["position"]
    kind = KINDS.get(hit["type"], "decision")
    return str(number), out.moment(hit["time"]), kind, hit.get("state") or "-", hit["text"]


def stats(client: Client, out: Output, _options: argparse.Namespace) -> int:
    """Print the numbers of items of each kind and state, and of events of each type."""
    counts = client.get(f"{API}/counts")
    if out.as_json:
        out.value(counts)
    else:
        numbers = [*_flat(counts["things"]), *_flat(counts["events"])]
        out.table(("what", "count"), [(name, str(count)) for name, count in numbers])
    return 0


def status(client: Client, out: Output, _options: argparse.Namespace) -> int:
    """Print the environment, release and state of the service. Exit code 1: it is not ready."""
    either = (HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE)
    _, health = client.ask("GET", "/health/ready", expected=either)
    ready = health.get("ready") is True
    if out.as_json:
        out.value(health)
        return 0 if ready else 1
    facts = [
        ("environment", health.get("environment")),
        ("release", health.get("release")),
        ("since", out.moment(health["started_at"]) if "started_at" in health else None),
        ("ready", "yes" if ready else f"no: {health.get('reason') or health.get('detail')}"),
        ("events", health.get("log", {}).get("length")),
    ]
    out.pairs([(name, str(value)) for name, value in facts if value is not None])
    return 0 if ready else 1


def _flat(counts: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, int]]:
    for name, value in counts.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", value
