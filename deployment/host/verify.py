"""Success is what a second look says, not that nothing raised."""

from __future__ import annotations

import json
import time

from . import probe, systemd
from .errors import StepFailed
from .model import Environment, Layout, Log, Manifest
from .observe import head
from .run import run

PATIENCE = 20.0  # seconds for a service that is READY to answer as itself
NAME = "helionyx"


def configuration(layout: Layout, environment: Environment, release: Manifest) -> str:
    """Ask the release's own code, under its own user, what it makes of its configuration."""
    root = layout.releases(environment) / release.id
    answer = json.loads(
        run(
            [
                *(
                    f"/usr/bin/python{release.python}",
                    "-IS",
                    str(root / "run.py"),
                    "services.config",
                    "check",
                ),
                *("--env", environment.name, "--file", "-", "--json"),
            ],
            input=(root / f".env.{environment.name}").read_bytes(),
            user=environment.user,
            expect=(0, 2),
        )
    )
    if not answer["ok"]:
        lines = tuple(
            f"{item['key'] or 'line ' + str(item['line'])}: {item['message']}" for item in answer["problems"]
        )
        raise StepFailed(f"the release does not accept .env.{environment.name} on this node.", details=lines)
    if answer["facts"] != release.config:
        wrong = sorted(key for key in answer["facts"] if answer["facts"][key] != release.config.get(key))
        raise StepFailed(
            f"the node reads .env.{environment.name} otherwise than the manifest: {', '.join(wrong)}."
        )
    return "its configuration holds"


def serving(layout: Layout, environment: Environment, release: Manifest, before: Log | None) -> str:
    """Raise `StepFailed` unless this release answers in this environment with its history unchanged."""
    mark = f"{time.time() - 30:.3f}"
    answer = probe.ask_until_ready(release.listen, PATIENCE)
    wrong = _differences(environment, release, answer)
    if wrong:
        words = systemd.last_words(environment, mark)
        raise StepFailed(
            f"{release.listen} does not answer as {release.id} in {environment.name}: {wrong}.", details=words
        )
    log = probe.log_of(answer)
    if log is None:
        raise StepFailed(f"{release.id} does not tell the length and the head of its event log.")
    if before is None:  # the first release here, or one before it that could not read its own log
        return f"answers as this release, {log.length} events"
    _unchanged(layout, environment, release, before, log)
    return f"answers as this release, {log.length} events, history unchanged"


def _differences(environment: Environment, release: Manifest, answer: dict[str, object] | None) -> str:
    if answer is None:
        return "no answer"
    wanted = {"name": NAME, "environment": environment.name, "release": release.id, "ready": True}
    wrong = [f"{key} is {answer.get(key)!r}" for key, value in wanted.items() if answer.get(key) != value]
    if answer.get("reason"):
        wrong.append(str(answer["reason"]))
    return ", ".join(wrong)


def _unchanged(layout: Layout, environment: Environment, release: Manifest, before: Log, now: Log) -> None:
    """The head from before must still be in the chain, at its place."""
    if before == now or before.length == 0:
        return
    found = head(layout, environment, release, at=before.length)[1] if now.length >= before.length else None
    if found != before.head:
        raise StepFailed(
            f"the event log's history changed: position {before.length} had {before.head[:16]} before, "
            f"and now {found[:16] if found else 'nothing'}.",
            f"keep {layout.data(environment)} as it is, and look at it before anything else",
        )
