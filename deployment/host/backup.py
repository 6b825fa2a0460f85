"""A copy of an environment's event log, made while the service runs and handed to the operator's half."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from . import observe, releases
from .errors import Refused, StepFailed
from .layout import Environment, Layout
from .locks import environment_lock
from .model import Manifest
from .run import run
from .wire import Wire

LONG = 280.0  # seconds for the copy; the operator's half waits longer for a word
PLACE = ".backup"  # in the environment's data: the copy is made there, by its user, and does not stay


def hand_over(layout: Layout, wire: Wire, request: dict[str, Any]) -> None:
    """Make the copy and send it. Raises `Refused` where there is no log, `Busy` while somebody changes it."""
    environment = Environment(request["environment"])
    release = releases.read_manifest(layout, environment, releases.current(layout, environment))
    if release is None:
        raise Refused(
            f"{environment.name} does not run on this node, so there is nothing to back up.",
            f"make status ENV={environment.name}",
        )
    holder = {"actor": request["actor"]["name"], "verb": "backup"}
    with environment_lock(layout, environment.name, holder), _copied(layout, environment, release) as copy:
        answer, file = copy
        wire.say("backup", size=os.fstat(file.fileno()).st_size, release=release.id, **answer)
        wire.say("result", outcome="done", sha256=wire.give(file))


@contextmanager
def _copied(
    layout: Layout, environment: Environment, release: Manifest
) -> Iterator[tuple[dict[str, Any], IO[bytes]]]:
    """What the release's own code says of the copy that it has made, and the copy."""
    place = layout.data(environment) / PLACE
    clear = ["rm", "-rf", "--one-file-system", "--", str(place)]
    run(clear, user=environment.user)
    try:
        run(["mkdir", "--mode=700", "--", str(place)], user=environment.user)
        store = str(release.config["event_store_path"])
        words = ("backup", "--store", store, "--to", str(place))
        answer = observe.ask_log(layout, environment, release, *words, timeout=LONG)
        with _opened(place / observe.LOG_FILE) as file:
            yield answer, file
    finally:
        run(clear, user=environment.user)


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """The file itself: the directory is the service's own, and a link in it leads nobody anywhere."""
    parent = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        found = os.open(path.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=parent)
    finally:
        os.close(parent)
    with os.fdopen(found, "rb") as file:
        if not stat.S_ISREG(os.fstat(found).st_mode):
            raise StepFailed(f"{path} is no plain file.")
        yield file
