"""Event logs that are put aside and brought back: none is ever deleted, or overwritten by another.

One that is about to take a place waits under a name that none has who is kept. It changes places with the
log in use in one step: whenever that is cut short, either of them is the log, and the other lies here.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import IO

from ..node.run import run
from ..records import audit
from ..releases import releases
from ..values.answers import Replacement
from ..values.errors import HostError, Refused, StepFailed
from ..values.layout import Environment
from ..values.log import Log
from ..values.manifest import Manifest
from ..values.words import count
from . import last_head, log_commands, read_models
from .exchange import exchange, move
from .redaction_notes import NOTE

NEXT = ".next"  # the one that is about to take the place; for a moment, the one that has just left it
MANY = 1000  # logs of one length and head
LOOK = 120.0  # seconds that whoever restores waits at most to hear whether the log in use is sound
HALF = ".half"  # one that is still arriving


def find(environment: Environment, release: Manifest, named: str) -> Log:
    """The archived log of that name. Raises `Refused`."""
    names = log_commands.archived(environment)
    if named not in names and _is_in_use(environment, release, named):
        raise Refused(
            f"the log of {environment.name} already begins with {named}.",
            f"nothing to do; archived logs: {', '.join(names) or 'none'}",
        )
    if named not in names:
        raise Refused(
            f"{environment.name} has no archived log {named}, and there is no such file.",
            f"archived logs: {', '.join(names) or 'none'}; make backup makes a file",
        )
    try:
        store = environment.archived_logs / named
        return log_commands.head(environment, release, store=store)[0]
    except StepFailed as error:
        raise Refused(
            f"the archived log {named} cannot be read by {release.id}.", "choose another one", error.details
        ) from error


def _is_in_use(environment: Environment, release: Manifest, named: str) -> bool:
    """Whether the log in use is that one, or has grown out of it: as after a power cut behind the switch."""
    length, _, head = named.partition("-")
    if not length.isdigit() or not int(length):
        return False
    try:
        there, at = log_commands.head(environment, release, at=int(length))
    except StepFailed:
        return False
    return there.length >= int(length) and str(at.hash).startswith(head.partition(".")[0])


def preview(
    environment: Environment,
    release: Manifest,
    there: Log | None,
    coming: Log,
    archived: str = "",
) -> Replacement:
    """Work out the effect of a restore. `archived` is the name of the incoming log, if it is archived here.

    Of a log that is sent later only the operator's half can tell whether it begins with the log in use.
    """
    flaw = None
    last, current = coming.last[0], there.last if there is not None else (0, "")
    begins = None
    if last > current[0] > 0 and archived:
        begins = _begins_with(environment, release, archived, current)
    newer = _events_behind(environment, release, there, coming)
    if not coming.tells(there):  # else every record of it was looked at already
        flaw = log_commands.flaw(environment, release, log_commands.path_of(release), timeout=LOOK)
    return Replacement(
        name=coming.name,
        length=coming.length,
        head=coming.head,
        taken_from=tuple(audit.taken_from(environment.layout, coming.head)),
        last=last,
        there=current[0] if there else None,
        there_head=current[1] if there else None,
        archived=there.length if there else None,
        newer=newer,
        begins=begins,
        flaw=flaw,
        before_redaction=there is not None and NOTE in there.holds and NOTE not in coming.holds,
    )


def _begins_with(environment: Environment, release: Manifest, archived: str, last: tuple[int, str]) -> bool:
    """Whether an archived log has the record with this position and hash."""
    path = environment.archived_logs / archived
    return log_commands.head(environment, release, at=last[0], store=path)[1].hash == last[1]


def _events_behind(environment: Environment, release: Manifest, there: Log | None, coming: Log) -> int | None:
    """The number of events in the log in use behind the coming one; None if it does not begin with that."""
    last, head = coming.last
    if there is None or last > there.last[0]:
        return None
    at = _at(environment, release, last)
    if at is None or (last and at.hash != head):
        return None
    return at.said_behind


def _at(environment: Environment, release: Manifest, position: int) -> log_commands.At | None:
    """Of the record there in the log in use; None too where that is damaged, which its flaw tells."""
    try:
        return log_commands.head(environment, release, at=position)[1]
    except StepFailed:
        return None


def refuse_full_disk(environment: Environment, size: int) -> None:
    """Raise `Refused` unless a log of that size fits beside the one in use, and the service writes on."""
    data = environment.data
    volume = next(path for path in (data, *data.parents) if path.is_dir())
    free, needed = shutil.disk_usage(volume).free, size + log_commands.SPARE
    if free < needed:
        raise Refused(
            f"the log takes {needed / 1e6:.0f} MB on the node, with what stays spare, and {volume} has "
            f"{free / 1e6:.0f} MB left.",
            "free some, then try again",
        )


def install(environment: Environment, release: Manifest, staged: Path, coming: Log) -> str:
    """Let a log that was sent wait for its place. Raises `HostError` unless it is whole and that one."""
    archive = environment.archived_logs
    half = archive / HALF
    try:
        _as(environment, "rm", "-rf", "--one-file-system", "--", str(half))
        refuse_full_disk(environment, staged.stat().st_size)
        _as(environment, "install", "-d", "-m", "700", "--", str(archive), str(half))
        with staged.open("rb") as file:
            copy = ["dd", f"of={half / log_commands.LOG_FILE}", "bs=1M", "conv=fsync", "status=none"]
            _as(environment, *copy, stdin=file)
        _as(environment, "chmod", "600", "--", str(half / log_commands.LOG_FILE))
        return _prove(environment, release, half, coming)
    except (HostError, OSError):
        with suppress(HostError, OSError):
            _as(environment, "rm", "-rf", "--one-file-system", "--", str(half))
        raise


def take(environment: Environment, release: Manifest, archived: str, coming: Log | None) -> str:
    """The same for one that is kept. `coming` is None for what comes back as it was, whatever that is."""
    path = environment.archived_logs / archived
    if coming is not None:
        return _prove(environment, release, path, coming)
    move(environment.data, path, path.with_name(NEXT))
    return ""


def switch(environment: Environment, release: Manifest, name: str) -> None:
    """Let the waiting log and the one in use change places, and keep the latter under the name `name`.

    No read models of any release survive it: the service builds them out of its log when it starts.
    """
    data, store = environment.data, log_commands.path_of(release)
    waiting = environment.archived_logs / NEXT
    # Whichever of the two logs a power cut leaves in place is the one: its service notes its head anew.
    last_head.forget_own(environment, releases.manifests(environment))
    last_head.forget(environment)
    for known in releases.manifests(environment):
        read_models.remove(environment, read_models.directory(known), read_models.present(known, data))
    if not os.path.lexists(store):
        move(data, waiting, store)
        return
    exchange(data, store, waiting)
    move(data, waiting, waiting.with_name(name))


def waits(environment: Environment) -> bool:
    """Whether something lies where a log waits for its place: a killed switch has left it there."""
    return os.path.lexists(environment.archived_logs / NEXT)


def waiting(environment: Environment, release: Manifest) -> Log | None:
    """The log that waits there; None for one that cannot be read."""
    path = environment.archived_logs / NEXT
    if path.is_symlink() or not path.is_dir():
        return None
    return log_commands.at_rest(environment, release, path)


def put_away(environment: Environment, name: str, reserved: Collection[str] = frozenset()) -> None:
    """Give what waits a name under which it is kept."""
    path = environment.archived_logs / NEXT
    with suppress(OSError):  # whoever needs the place will say so
        move(environment.data, path, path.with_name(free(environment, name, reserved)))


def drop(environment: Environment, release: Manifest, name: str, copy_of: Log) -> None:
    """Remove one that is kept, if it is a sound copy of that log and no more: there is another."""
    path = environment.archived_logs / name
    if name not in log_commands.archived(environment):
        return
    with suppress(StepFailed):  # then it stays, and is listed
        log = log_commands.at_rest(environment, release, path)
        if copy_of.tells(log) and log_commands.flaw(environment, release, path) is None:
            _as(environment, "rm", "-rf", "--one-file-system", "--", str(path))


def free(environment: Environment, name: str, reserved: Collection[str] = frozenset()) -> str:
    """The name, or with a number behind it where there is one of that name: it may not be as sound."""
    archive = environment.archived_logs
    names = (name, *(f"{name}.{number}" for number in range(2, MANY)))
    for one in names:
        if one not in reserved and not os.path.lexists(archive / one):
            return one
    raise StepFailed(f"{archive} has too many logs of the name {name}.", "remove some of them")


def newer(environment: Environment, release: Manifest, archived: Path, now: Log) -> int | None:
    """The number of events of an archived log that the one in use does not have; None if they differ."""
    try:
        before = log_commands.head(environment, release, store=archived)[0]
        in_use = log_commands.path_of(release)
        (position, last), longer = (
            (now.last, archived) if now.last[0] <= before.last[0] else (before.last, in_use)
        )
        at = log_commands.head(environment, release, at=position, store=longer)[1]
    except StepFailed:
        return None
    if position and at.hash != last:
        return None
    return at.said_behind if longer == archived else 0


def _prove(environment: Environment, release: Manifest, path: Path, coming: Log) -> str:
    problem = log_commands.flaw(environment, release, path)
    if problem is not None:
        raise StepFailed(f"the log in {path} is not whole: {problem}.", "choose another one")
    log = log_commands.at_rest(environment, release, path)
    if log is None or not coming.tells(log):
        actual = log.name if log else "one that nothing can read any more"
        raise StepFailed(f"the log in {path} is {actual}, not {coming.name}.", "choose another one")
    move(environment.data, path, path.with_name(NEXT))
    return f"{count(log.length)} verified"


def _as(environment: Environment, *argv: str, stdin: IO[bytes] | None = None) -> None:
    try:
        run(list(argv), stdin=stdin, user=environment.user, timeout=log_commands.LONG)
    except StepFailed as error:
        raise StepFailed(
            f"{environment.user} cannot write beside the log of {environment.name}.",
            f"make doctor ENV={environment.name} looks at its disk and directories",
            error.details or (error.message,),
        ) from error
