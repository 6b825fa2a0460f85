"""Looking: every fact about one environment, gathered at one moment and never changed by looking."""

from __future__ import annotations

import itertools
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..event_log import last_head, log_commands, loss, read_models, room
from ..event_log.log_commands import LOG_FILE
from ..node import accounts, dropins, files, jobs, probe, processes, reading, socket_options, sockets, systemd
from ..node.systemd import Unit
from ..node.threads import Call
from ..releases import links, name_conflicts, releases
from ..values import access
from ..values.desired import Absent, Desired, Stopped
from ..values.errors import Refused
from ..values.layout import ENVIRONMENTS, Environment, Layout
from ..values.model import BOT, Log, Lost, Manifest, Observed
from ..values.unread import Unread
from . import activation, unexpected

MANY = 10_000  # files among which something that was said lies with certainty
PATIENCE = 5.0  # seconds that a running service may take until it answers
PATIENCE_UNREADY = 0.5  # seconds to wait for a service that READY was sent for, but that answers not ready


def observe(
    layout: Layout, environment: Environment, desired: Desired | None = None, *, with_log: bool = True
) -> Observed:
    """The state of an environment: as much as a plan for `desired` needs, or all of it if that is None.

    A service that runs and is slow to answer is asked again for a while: it may be busy, or starting. Its
    answer is no proof of its release or its log: ADR 18. `with_log` is False right after a change that has
    verified the log, and compared the options of the socket.
    """
    release, log = (desired.release, desired.log) if desired else (None, None)
    current = releases.current(layout, environment)
    manifest = releases.read_manifest(layout, environment, current)
    known = last_head.read(layout, environment)
    reading_log = None
    if with_log and log is None:  # a program of the release takes 0.05 s: all else is looked at meanwhile
        position = known.length if known else None
        reading_log = Call(log_commands.rest, layout, environment, manifest, at=position)
    units = systemd.show([environment.service, environment.socket, environment.journald])
    service, socket = units[environment.service], units[environment.socket]
    journald = units[environment.journald]
    opened, here = sockets.listeners(), _current(layout)
    neighbours = {name: release for name, release in here.items() if name != environment.name}
    listen = socket.listen if socket.active == "active" else None
    root, data = layout.releases(environment).parent, layout.data(environment)
    # A probe of an idle socket would start the service: only a running one is asked, unless it is to end.
    asked = not isinstance(desired, Stopped | Absent)
    running = service.active == "active" and listen is not None and not processes.is_stopped(service.pid)
    answers = _answer(str(listen), service.pid) if running and asked else None
    examined = {current, release.id if release else None} if desired else None
    account = accounts.of(environment)
    observed = Observed(
        user=account is not None,
        unmarked=account is not None and not accounts.is_as_created(account, environment),
        layers=releases.layers(layout),
        layers_elsewhere=tuple(sorted(releases.layers_used(layout, without=environment))),
        releases=releases.kept(layout, environment, examined),
        current=current,
        previous=releases.previous(layout, environment),
        units=releases.unit_files(layout, environment),
        dropins=dropins.named(layout, environment),
        stale=service.stale or socket.stale,
        journal=journald.pid != 0,
        journal_stale=_is_older(journald, layout.unit_file(environment.journal)),
        enabled=_enabled(layout, environment),
        socket=socket.active,
        service=service.active,
        pid=service.pid,
        listening=tuple(item.address for item in opened),
        listen=listen,
        altered=socket_options.altered(layout, environment, opened, listen) if with_log else (),
        holder=_stranger(opened, listen, release or manifest),
        beside=sockets.beside(opened, listen),
        noexec=room.noexec(layout.layers),
        bindable=release is None or sockets.is_local(str(release.config["api_host"])),
        neighbours={name: release.listen for name, release in neighbours.items()},
        bots={name: release.digests[BOT] for name, release in neighbours.items() if BOT in release.digests},
        projects={name: release.project for name, release in here.items()},
        tokens={name: access.token_of(release.digests) for name, release in here.items()},
        runs=activation.release_of(layout, environment, service),
        answers=answers,
        last_head=known,
        table=int(manifest.log.get("table", 0)) if manifest else 0,
        reads=manifest.log.get("reads", {}) if manifest else {},
        opt=_is_home(root) or files.gone(root).exists(),
        strays=processes.of(environment, user_id(environment)),
        lingers=processes.lingers(layout, environment),
        jobs=jobs.of(layout, environment, account.uid if account else None),
        rehearsal=any(path.exists() for path in dropins.rehearsal_places(layout, environment)),
    )
    # All that lies in the data, where its owner may have mounted something that answers nobody.
    try:
        observed = replace(observed, **_in_data(layout, environment, manifest, desired))
        rest = reading_log.result() if reading_log else None
        found = rest[0] if isinstance(rest, tuple) else None
        if log is not None:
            found = _sound(layout, environment, manifest, log)
        # Reading the data takes a program of each kept release, 0.1 s each. Only a removal and an environment
        # without a release need it.
        may_hold_data = manifest is None or isinstance(desired, Absent)
        return replace(
            observed,
            log=found,
            unread=rest if isinstance(rest, Unread) else None,
            lost=_lost(layout, environment, manifest, desired, known, service.pid, rest)
            if with_log
            else None,
            data=bool(found and found.last[0]) or (may_hold_data and _holds_more(layout, environment)),
        )
    except OSError as error:
        return replace(observed, blind=f"{error.filename or data} cannot be looked at: {error.strerror}")


def _in_data(
    layout: Layout, environment: Environment, manifest: Manifest | None, desired: Desired | None
) -> dict[str, Any]:
    """The facts that depend on what lies in the environment's data. Raises `OSError`."""
    data, owner = layout.data(environment), user_id(environment)
    release = desired.release if desired else None
    return {
        "taken": name_conflicts.of(layout, environment),
        "links": links.of(layout, environment),
        "directories": directories(layout, environment),
        "logs": log_commands.kept(layout, environment),
        "home": _is_home(data),
        "foreign": data.is_dir() and data.stat().st_uid != owner,
        "projections": read_models.found(release or manifest, data),
        # No plan depends on them.
        "unexpected": unexpected.of(layout, environment, manifest, owner)
        if manifest and desired is None
        else (),
    }


def _answer(listen: str, pid: int) -> dict[str, Any] | None:
    return probe.ask_until_ready(listen, PATIENCE, PATIENCE_UNREADY, pid)


def _lost(
    layout: Layout,
    environment: Environment,
    manifest: Manifest | None,
    desired: Desired | None,
    known: Log | None,
    pid: int,
    rest: tuple[Log, log_commands.At] | Unread | None,
) -> Lost | None:
    """The loss or replacement of the log. A redaction that is asked for may have been done by hand before."""
    release, redaction = (desired.release, desired.redaction) if desired else (None, None)
    position = redaction.position if redaction else None
    return loss.look(layout, environment, manifest, release or manifest, known, pid, rest, position)


def _sound(layout: Layout, environment: Environment, manifest: Manifest | None, log: Log) -> Log | None:
    """The log that is there; None if it cannot be read, or ends as `log` does and is damaged before."""
    found = log_commands.at_rest(layout, environment, manifest)
    if found is None or manifest is None or not found.tells(log):
        return found
    return None if log_commands.flaw(layout, environment, manifest, log_commands.path_of(manifest)) else found


def _holds_more(layout: Layout, environment: Environment) -> bool:
    """Whether the data directory holds more than what a release that nobody ever spoke to makes there.

    That is its read models, and a log that holds its starts and stops alone. Whether it does, the code of a
    release says, which is root's; what a service answers may only add to it.
    """
    known = releases.manifests(layout, environment)
    left = [
        path
        for path, _ in itertools.islice(reading.walk(layout.data(environment)), MANY)
        if not any(read_models.is_one(path, release) for release in known)
    ]
    for release in known:
        place = log_commands.path_of(release)
        mine = [path for path in left if path.parent == place and path.name.startswith(f"{LOG_FILE}-")]
        notes = (last_head.beside(release), last_head.last_backup(release))
        mine += [path for path in left if path in (place / LOG_FILE, *notes)]
        if mine:
            found = log_commands.at_rest(layout, environment, release)
            told = found is None or found.last[0] or log_commands.flaw(layout, environment, release, place)
            if not told:  # a damaged one may hold more than it says
                left = [path for path in left if path not in mine]
    return bool(left)


def user_id(environment: Environment) -> int | None:
    """The numeric id of the environment's user; None before it exists."""
    account = accounts.of(environment)
    return account.uid if account else None


def refuse_nobody(environment: Environment) -> None:
    """Raise `Refused` where the environment's user is gone: nobody else reads its log."""
    if user_id(environment) is None:
        raise Refused(
            f"there is no user {environment.user} who could read the log of {environment.name}.",
            f"make deploy ENV={environment.name} makes it again",
        )


def _is_home(data: Path) -> bool:
    """Whether there is a directory; an empty volume of somebody's is none."""
    return data.is_dir() and (not links.is_volume(data) or reading.holds_any(Path(os.path.realpath(data))))


def directories(layout: Layout, environment: Environment) -> dict[str, bool]:
    """The directories that the environment needs, and whether each has its owner and mode."""
    return {
        str(path): releases.is_right(
            links.real(layout, environment, path), user_id(environment) if owned else 0, mode
        )
        for path, owned, mode in wanted_directories(layout, environment)
    }


def wanted_directories(layout: Layout, environment: Environment) -> list[tuple[Any, bool, int]]:
    """(path, owned by the environment's user, mode), outermost first."""
    data = layout.data(environment)
    return [
        (layout.opt, False, 0o755),
        (layout.layers, False, 0o755),
        (layout.releases(environment).parent, False, 0o755),
        (layout.releases(environment), False, 0o755),
        (layout.verified(environment), False, 0o755),
        (layout.sandbox(environment).parent, False, 0o755),
        (layout.sandbox(environment), False, 0o755),
        (data.parent, False, 0o755),
        (data, True, 0o700),
        (data / "events", True, 0o700),
        (data / "projections", True, 0o700),
    ]


def _stranger(opened: list[sockets.Listener], listen: str | None, release: Manifest | None) -> str | None:
    """Who holds the port of a release, if it is not this environment's own socket."""
    if release is None:
        return None
    port = int(release.config["api_port"])
    if listen is not None and int(listen.rsplit(":", 1)[1]) == port:
        return None
    held = [item for item in opened if item.port == port]
    return sockets.holder(held[0].inode) if held else None


def _is_older(unit: Unit, configuration: Path) -> bool:
    """Whether the process of a unit has started before its configuration was written."""
    if not unit.pid or not configuration.exists():
        return False
    age = time.monotonic() - unit.started
    return time.time() - age < configuration.stat().st_mtime


def _enabled(layout: Layout, environment: Environment) -> bool:
    system = layout.unit_file(environment.service).parent
    return (system / "multi-user.target.wants" / environment.service).is_symlink() and (
        system / "sockets.target.wants" / environment.socket
    ).is_symlink()


def _current(layout: Layout) -> dict[str, Manifest]:
    """What is current in each environment, running or not."""
    found = {}
    for environment in map(Environment, ENVIRONMENTS):
        manifest = releases.read_manifest(layout, environment, releases.current(layout, environment))
        if manifest is not None:
            found[environment.name] = manifest
    return found
