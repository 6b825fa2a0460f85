"""A copy of an environment's event log, fetched from the node while the service runs."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from .actor import actor
from .connection import Connection, result_of_look
from .errors import DONE, FAILED, DeployError
from .output import Output
from .settings import Settings


def backup(settings: Settings, output: Output) -> dict[str, Any]:
    """Fetch it into a file that appears when it is whole. Raises `DeployError`."""
    begun, environment = time.monotonic(), settings.environment
    settings.backups.mkdir(mode=0o700, parents=True, exist_ok=True)
    output.begin(f"copy the log of {environment} on {settings.node}")
    with Connection(settings) as connection:
        result_of_look(connection.hear())
        connection.say(verb="backup", environment=environment, actor=actor(settings.root))
        said = result_of_look(connection.hear())
        output.done("copy", time.monotonic() - begun, f"{said['position']} events")
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        path = settings.backups / f"{environment}-{stamp}-{said['position']}.db"
        fetched = time.monotonic()
        _fetch(connection, output, path, int(said["size"]))
        output.done("download", time.monotonic() - fetched, f"{said['size'] / 1e3:,.0f} kB")
    return {
        "outcome": "done",
        "exit_code": DONE,
        "verb": settings.verb,
        "environment": environment,
        "node": settings.node,
        "release": said["release"],
        "file": str(path),
        "events": said["position"],
        "head": said["hash"],
        "seconds": round(time.monotonic() - begun, 3),
        "summary": f"{path} holds {said['position']} events, head {said['hash'][:16]}",
    }


def _fetch(connection: Connection, output: Output, path: Path, size: int) -> None:
    part = path.with_name(f".{path.name}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file, output.upload("download", size) as came:
            digest = connection.take(size, file, came)
            file.flush()
            os.fsync(file.fileno())
        if digest != result_of_look(connection.hear())["sha256"]:
            raise DeployError("the copy arrived damaged.", "try again", code=FAILED)
        part.replace(path)
    except OSError as error:
        raise DeployError(f"cannot write {part}: {error.strerror}.", "TO= names another directory") from error
    finally:
        part.unlink(missing_ok=True)
