"""The last known head of an environment's event log, kept by root outside of its data: ADR 13.

The service reads the file too: a log that does not have this head is not the one that was there.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

from ..node import reserve
from ..node.files import publish
from ..node.run import run
from ..values.layout import Environment
from ..values.log import Log
from ..values.manifest import Manifest
from .log_commands import path_of


def read(environment: Environment) -> Log | None:
    """The log's length and head after the last change; None before there was one.

    A file that cannot be read still says that there was a log: of length 0, which any log has.
    """
    try:
        value = json.loads(environment.last_head.read_bytes())
        return Log(int(value["position"]), str(value["hash"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        return Log(0, "0" * 64)


def write(environment: Environment, log: Log) -> None:
    """Replace the last known head."""
    path = environment.last_head
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    content = json.dumps({"position": log.length, "hash": log.head}).encode() + b"\n"
    publish(path, content, 0o644, reserve.places(environment.layout))


def forget(environment: Environment) -> None:
    """Forget the head, so that any log, or none, is accepted for this environment."""
    path = environment.last_head
    path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # that of another environment is there, or none ever was
        path.parent.rmdir()


def beside(release: Manifest) -> Path:
    """The file in which the service notes the same by itself, beside the directory of its log."""
    store = path_of(release)
    return store.with_name(f"{store.name}.head")


def last_backup(release: Manifest) -> Path:
    """The file beside that one, in which the release notes when its log was copied by `backup` last."""
    store = path_of(release)
    return store.with_name(f"{store.name}.last_backup")


def forget_own(environment: Environment, releases: list[Manifest]) -> None:
    """Remove the service's own note, as its user: so a link that it has planted gains it nothing."""
    paths = sorted({str(beside(release)) for release in releases if os.path.lexists(beside(release))})
    if paths:
        run(["rm", "--force", "--", *paths], user=environment.user)
