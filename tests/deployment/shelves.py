"""A shelf of event logs, without a node: what tests of moving them begin with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deployment.host.event_log import archived_logs, log_commands, read_models
from deployment.host.event_log.archive_notes import ArchiveNotes
from deployment.host.event_log.log_commands import At
from deployment.host.records.record import Transaction
from deployment.host.releases import releases
from deployment.host.values.desired import Running
from deployment.host.values.errors import StepFailed
from deployment.host.values.layout import Environment, Layout
from deployment.host.values.log import Log
from deployment.host.values.manifest import Manifest
from deployment.host.values.request import ResolvedRequest

DEV = Environment("dev")
OLD, NEW = Log(9, "f" * 64), Log(5, "a" * 64)


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """A log in use, one that waits for its place, and a release that reads a log's name in a file."""
    layout = Layout(tmp_path)
    write(layout.of("dev").data / "events", OLD)
    write(layout.of("dev").archived_logs / archived_logs.NEXT, NEW)

    def head(*_: object, at: int | None = None, store: Path | None = None) -> tuple[Log, At]:
        words = ((store or layout.of("dev").data / "events") / "events.db").read_text().split()
        if words[0] == "damaged":
            raise StepFailed("it cannot be read.")
        log, position = Log(int(words[0]), words[1]), at or 0
        digest = {9: "f" * 64, 5: words[-1]}.get(position) if position <= log.length else None
        return log, At(digest, log.length - position)

    def flaw(_: object, __: object, store: Path, **___: float) -> str | None:
        return "a record is missing" if (store / "events.db").read_text().endswith("flawed") else None

    monkeypatch.setattr(log_commands, "head", head)
    monkeypatch.setattr(log_commands, "flaw", flaw)
    monkeypatch.setattr(releases, "manifests", lambda *_: [])
    monkeypatch.setattr(read_models, "remove", lambda *_: None)
    return layout


def write(place: Path, log: Log | None) -> None:
    """Something that is read as that log; None for one that cannot be read."""
    place.mkdir(parents=True)
    (place / "events.db").write_text(f"{log.length} {log.head}" if log else "damaged")


def release(layout: Layout) -> Manifest:
    """What is deployed, as far as it matters here."""
    events = str(layout.of("dev").data / "events")
    texts: Any = dict.fromkeys(("commit", "subject", "python", "platform", "layer"), "")
    maps: Any = {"files": {}, "units": {}, "digests": {}}
    return Manifest("dev", dirty=False, config={"event_store_path": events}, **texts, **maps)


def places(layout: Layout) -> dict[str, str]:
    """Which log lies where."""
    found = {
        path.name: (path / "events.db").read_text().split()[0]
        for path in layout.of("dev").archived_logs.iterdir()
    }
    return {"events": (layout.of("dev").data / "events" / "events.db").read_text().split()[0], **found}


def aside(layout: Layout, kept: str = "") -> ArchiveNotes:
    """The memory of a transaction that brings `NEW`."""
    transaction = Transaction("t1", layout)
    transaction.path.mkdir(parents=True, exist_ok=True)
    (transaction.path / "request.json").write_text(f'{{"log": {{"kept": "{kept}"}}}}')
    return ArchiveNotes(layout.of("dev"), transaction, NEW)


def forward(layout: Layout) -> Running:
    """The way to the new log."""
    return Running(environment=layout.of("dev"), release=release(layout), log=NEW, staged=True)


def resolved(layout: Layout, verb: str, **members: Any) -> ResolvedRequest:
    """A request of dev as request.json has it."""
    request = {"verb": verb, "environment": "dev", "actor": {"name": "tester"}, **members}
    return ResolvedRequest.parse(request, layout)
