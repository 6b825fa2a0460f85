"""A copy of an environment's event log, made while the service runs and handed to the operator's half."""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from ..event_log.log_commands import LOG_FILE, LONG, SPARE, ask, hash_of, path_of, position_of
from ..node.run import run
from ..node.wire import Wire
from ..observe.directories import refuse_nobody, user_id
from ..records import audit, record
from ..records.locks import Holder, environment_lock
from ..releases import releases
from ..values.errors import Busy, Refused, StepFailed
from ..values.layout import Environment
from ..values.log import Log
from ..values.manifest import Manifest
from ..values.question import Question

BY_OTHERS = "a process of the environment's user does that, and no release: look at what runs there"


def hand_over(wire: Wire, question: Question) -> None:
    """Make the copy and send it. Raises `Refused` where there is no log to copy."""
    environment = question.environment
    release = releases.read_manifest(environment, releases.current(environment))
    if release is None:
        raise Refused(
            f"{environment.name} has no release on this node, so there is nothing that could read its log.",
            f"make deploy ENV={environment.name} brings one",
        )
    refuse_nobody(environment)
    started = time.monotonic()
    with _alone(question):
        log, file = _copied(environment, release)
    with file:  # which has no name any more: however this ends, nothing is left
        _note(question, release, log, seconds=round(time.monotonic() - started, 3))
        size = os.fstat(file.fileno()).st_size
        wire.say("backup", size=size, release=release.id, position=log.length, hash=log.head)
        digest, whole = wire.give(file, size)
    if not whole:
        raise StepFailed(
            f"the copy of the log of {environment.name} was changed while it was sent.", BY_OTHERS
        )
    wire.say("result", outcome="done", sha256=digest)


def _note(question: Question, release: Manifest, log: Log, *, seconds: float) -> None:
    """Write down who takes it, and how much it holds: first, for whoever hangs up has some of it already."""
    name, layout = question.environment.name, question.layout
    try:
        audit.append(
            layout,
            event="end",
            transaction=record.new_id(name),
            environment=name,
            verb="backup",
            actor={**question.actor, "login": os.environ.get("SUDO_USER") or "root"},
            outcome="done",
            before=release.id,
            after=release.id,
            seconds=seconds,
            position=log.length,
            head=log.head,
        )
    except OSError as error:
        raise Refused(
            f"the node cannot write {layout.audit}, and no copy leaves it unnoted: {error.strerror}.",
            "fix its disk",
        ) from error


@contextmanager
def _alone(question: Question) -> Iterator[None]:
    """One copy at a time. A change may go on meanwhile: what copies stays, and so does the log."""
    name, layout = question.environment.name, question.layout
    try:
        with environment_lock(layout, f"{name}-backup", Holder("backup", question.actor["name"])):
            yield
    except Busy as error:
        raise Refused(
            f"another backup of {name} is just being made.", "try again in a moment", error.details
        ) from error


def _copied(environment: Environment, release: Manifest) -> tuple[Log, IO[bytes]]:
    """Have the release copy and verify its log; return the log that was copied and the open copy."""
    directory, store = environment.copies, path_of(release)
    if directory == store or directory in store.parents:
        raise Refused(f"{store} is in the directory for temporary copies.", "give the log another place")
    clear = ["rm", "-rf", "--one-file-system", "--", str(directory)]
    run(clear, user=environment.user)  # what a power cut left
    _refuse_full_disk(store)
    try:
        run(["mkdir", "--mode=700", "--", str(directory)], user=environment.user)
        words = ("services.event_log", "backup", "--store", str(store), "--to", str(directory))
        answer = ask(environment, release, *words, timeout=LONG)
        return _copy_of(answer), _opened(directory / LOG_FILE, user_id(environment))
    except StepFailed as error:
        raise StepFailed(
            f"the log of {environment.name} cannot be copied.",
            error.hint or f"make doctor ENV={environment.name} looks at all of it",
            error.details or (error.message,),
        ) from error
    finally:
        run(clear, user=environment.user)


def _copy_of(answer: Mapping[str, Any]) -> Log:
    """Length and head of the copy. Raises `StepFailed` where the release's program says no such thing."""
    try:
        return Log(position_of(answer.get("position")), hash_of(answer.get("hash")))
    except ValueError as error:
        raise StepFailed("the release's program did not say what it has copied.") from error


def _refuse_full_disk(store: Path) -> None:
    if not store.is_dir():
        raise Refused(f"there is no event log in {store}.", "make doctor looks at everything that is needed")
    files = (store / LOG_FILE, store / f"{LOG_FILE}-wal")
    needed = sum(path.lstat().st_size for path in files if path.exists()) + SPARE
    free = shutil.disk_usage(store).free
    if free < needed:
        raise Refused(
            f"the copy takes {needed / 1e6:.0f} MB on the node, with what stays spare, and {store} has "
            f"{free / 1e6:.0f} MB left.",
            "free some, then try again",
        )


def _opened(path: Path, owner: int | None) -> IO[bytes]:
    """The file itself: the directory is the service's own, and a link in it leads nobody anywhere."""
    try:
        parent = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            descriptor = os.open(path.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=parent)
        finally:
            os.close(parent)
    except OSError as error:
        raise StepFailed(f"{path} was replaced: {error.strerror}.", BY_OTHERS) from error
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_uid != owner:
        os.close(descriptor)
        raise StepFailed(f"{path} was replaced: it is no plain file of the environment's own.", BY_OTHERS)
    return os.fdopen(descriptor, "rb")
