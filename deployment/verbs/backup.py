"""A copy of an environment's event log, fetched from the node while the service runs."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from contextlib import suppress
from pathlib import Path

from ..errors import DONE, FAILED, DeployError
from ..host.node.files import settle
from ..remote.connection import Connection
from ..remote.messages import Backup, Hello, Sent
from ..settings import Settings
from ..ui.output import Output
from ..ui.results import BackedUp
from ..ui.sentences import backed_up
from .actor import actor
from .carry_out import shown
from .outcome import CODES

ELSEWHERE = "TO= names another file, or a directory"


def run(settings: Settings) -> int:
    """Fetch a copy, show its result, and return the exit code."""
    return shown(settings, lambda output: backup(settings, output))


def backup(settings: Settings, output: Output) -> BackedUp:
    """Fetch it into a file that appears when it is whole, and replaces none. Raises `DeployError`."""
    started, environment = time.monotonic(), settings.environment
    path = _path(settings)
    title = f"copy the log of {environment} on {settings.node}"
    output.begin(title)
    with Connection(settings) as connection:
        connection.answer(Hello, codes=CODES)
        connection.say(verb="backup", environment=environment, actor=actor(settings.root))
        copy = connection.answer(Backup, codes=CODES)
        output.done(title, time.monotonic() - started, "verified")
        fetched = time.monotonic()
        digest = _fetch(connection, output, path, copy.size)
        output.done("download", time.monotonic() - fetched, f"{copy.size / 1e3:,.0f} kB")
    return BackedUp(
        outcome="done",
        exit_code=DONE,
        verb=settings.verb,
        environment=environment,
        node=settings.node,
        release=copy.release,
        file=str(path),
        size=copy.size,
        sha256=digest,
        position=copy.position,
        head=copy.hash,
        seconds=round(time.monotonic() - started, 3),
        summary=backed_up(str(path), copy.position, copy.size, copy.hash),
    )


def _path(settings: Settings) -> Path:
    """The file to write: in `backups/`, in the directory of `TO=`, or the new file of that name."""
    try:
        target = settings.here / Path(settings.to or settings.root / "backups").expanduser()
    except RuntimeError as error:  # ~nobody
        raise DeployError(f"there is no home directory for {settings.to}.", ELSEWHERE) from error
    path = target
    if target.is_dir() or (settings.to or "/").endswith("/"):
        path = target / f"{settings.environment}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.db"
    _refuse_another(path)
    try:
        if not settings.to:
            path.parent.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise DeployError(f"cannot make {path.parent}: {error.strerror}.", ELSEWHERE) from error
    if not path.parent.is_dir():  # without the mounted disk, mkdir would write to another disk
        hint = f"mount its disk, or mkdir -p '{path.parent}'; {ELSEWHERE}"
        raise DeployError(f"there is no directory {path.parent}.", hint)
    return path


def _refuse_another(path: Path) -> None:
    if path.exists() or path.is_symlink():
        raise DeployError(f"{path} is there already, and no backup replaces a file.", ELSEWHERE)


def _fetch(connection: Connection, output: Output, path: Path, size: int) -> str:
    """Write the bytes to a file beside, rename it once it is whole, and return their SHA-256."""
    # A name that nobody else has: two may be fetching into one place.
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        free = shutil.disk_usage(path.parent).free
        if free < size:
            raise DeployError(
                f"the backup takes {size:,} bytes, and {path.parent} has {free:,} left.",
                ELSEWHERE,
                code=FAILED,
            )
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file, output.upload("download", size) as came:
            digest = connection.take(size, file, came)
            file.flush()
            os.fsync(file.fileno())
        if digest != connection.answer(Sent, codes=CODES).sha256:
            raise DeployError("the copy arrived damaged.", "try again", code=FAILED)
        _publish(part, path)
    except OSError as error:
        raise DeployError(f"cannot write {part}: {error.strerror}.", ELSEWHERE, code=FAILED) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return digest


def _publish(part: Path, path: Path) -> None:
    """Give the file its name, unless another file has got it meanwhile."""
    try:
        os.link(part, path)  # unlike a rename, it replaces nothing
    except FileExistsError:
        _refuse_another(path)
    except OSError:  # a file system without hard links, such as a memory stick's
        _refuse_another(path)
        part.rename(path)
    settle(path.parent)
