"""The node's half of `make doctor`: it gathers, `rules` and `condition` judge; nothing is changed by it."""

from __future__ import annotations

import json
import pwd
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from . import audit, condition, locks, releases, rules, sockets, status, systemd, vitals
from .check import Check, bad
from .condition import Chain, Directory, Facts, Port
from .errors import HostError, StepFailed
from .model import BOT, Environment, Layout, Manifest, Observed
from .observe import observe, user_id, wanted_directories
from .run import run
from .wire import Wire

VERIFYING = 240.0  # seconds for one event log; the operator's half gives up after 300 s of silence


def examine(layout: Layout, wire: Wire, request: dict[str, Any]) -> None:
    """Say the time, then the checks of the node and of each environment, as soon as each is known.

    `request["wanted"]` holds what the operator's `.env` files ask for: host, port and the bot's digest;
    `request["project"]` is whose they are.
    """
    wire.say("clock", at=time.time())
    _tell(wire, None, _attempt("node", lambda: _node(layout)))
    for name in request["environments"]:
        _tell(wire, name, _attempt("environment", partial(_environment, layout, Environment(name), request)))
    wire.say("result", outcome="done")


def _tell(wire: Wire, environment: str | None, checks: list[Check]) -> None:
    wire.say("checks", environment=environment, checks=[check.to_json() for check in checks])


def _attempt(name: str, look: Callable[[], Iterable[Check]]) -> list[Check]:
    """What a look finds, up to whatever it trips over: that is a finding too, and the next looks are made."""
    found: list[Check] = []
    try:
        for check in look():
            found.append(check)
    except HostError as error:
        words = "".join(f" | {line}" for line in error.details[-1:])
        found.append(bad(name, error.message + words, error.hint or "mend that, then make doctor again"))
    except Exception as error:  # noqa: BLE001  a doctor that dies of what it finds is no help
        what = f"the look at it failed: {type(error).__name__}: {error}"
        found.append(bad(name, what, "mend that, then make doctor again"))
    return found


def _node(layout: Layout) -> Iterator[Check]:
    yield from _attempt("systemd", lambda: rules.system(vitals.system()))
    yield from _attempt("disk", lambda: map(rules.file_system, vitals.file_systems(layout)))
    yield from _attempt("time service", lambda: rules.synchronized(vitals.synchronized()))
    lines = audit.read(layout)
    yield rules.audit(lines, audit.first_bad(lines), str(layout.audit))


def _environment(layout: Layout, environment: Environment, request: dict[str, Any]) -> Iterator[Check]:
    changing = locks.holder(layout, environment.name)
    if changing is not None:
        return condition.judge(Facts(environment, changing=changing))
    return condition.judge(_facts(layout, environment, request))


def _facts(layout: Layout, environment: Environment, request: dict[str, Any]) -> Facts:
    wanted = request["wanted"].get(environment.name)
    seen = observe(layout, environment)
    current = releases.read_manifest(layout, environment, seen.current)
    unit = systemd.show([environment.service])[environment.service]
    user = user_id(environment)
    return Facts(
        environment=environment,
        exists=seen.exists,
        stopped=status.is_stopped(seen),
        release=current.id if current else None,
        layer=current.layer if current else "",
        layer_held=current is not None and current.layer in seen.layers,
        pid=seen.pid,
        restarts=unit.restarts,
        user=user,
        units=tuple(str(layout.unit_file(name)) for name in seen.units),
        foreign=seen.strange,
        faults=tuple(status.faults(layout, environment, seen, current, unit)) if seen.exists else (),
        directories=tuple(_directories(layout, environment)) if seen.exists else (),
        chain=_chain(layout, environment, current) if current and user is not None else None,
        port=_port(seen, wanted or _of_manifest(current)),
        others=tuple(item for item in seen.projects.items() if item[1] != request["project"]),
        bot_of=_bot_of(seen, (wanted or {}).get("bot")),
        unfinished=tuple(status.unfinished(layout, environment, None)),
    )


def _of_manifest(current: Manifest | None) -> dict[str, Any] | None:
    """What the release asks for, where the operator has no `.env` file."""
    if current is None:
        return None
    return {
        "host": current.config["api_host"],
        "port": current.config["api_port"],
        "bot": current.digests.get(BOT),
    }


def _port(seen: Observed, wanted: dict[str, Any] | None) -> Port | None:
    if wanted is None:
        return None
    host, number = str(wanted["host"]), int(wanted["port"])
    held = [item for item in sockets.listeners() if item.port == number]
    neighbours = [name for name, listen in seen.neighbours.items() if _number(listen) == number]
    own = seen.listen is not None and _number(seen.listen) == number
    return Port(
        number=number,
        host=host,
        local=sockets.is_local(host),
        own=own,
        neighbour=neighbours[0] if neighbours else None,
        holder=sockets.holder(held[0].inode) if held and not own else None,
    )


def _number(listen: str) -> int:
    return int(listen.rsplit(":", 1)[1])


def _bot_of(seen: Observed, bot: str | None) -> str | None:
    return next((name for name, digest in seen.bots.items() if bot is not None and digest == bot), None)


def _directories(layout: Layout, environment: Environment) -> Iterator[Directory]:
    for path, owned, mode in wanted_directories(layout, environment):
        owner = environment.user if owned else "root"
        yield Directory(str(path), f"{mode:04o} {owner}", _as_it_is(path))


def _as_it_is(path: Path) -> str | None:
    """Mode and owner of a directory, or what stands in its place; None where nothing does."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    if not stat.S_ISDIR(found.st_mode):
        return "no directory"
    try:
        owner = pwd.getpwuid(found.st_uid).pw_name
    except KeyError:
        owner = str(found.st_uid)
    return f"{stat.S_IMODE(found.st_mode):04o} {owner}"


def _chain(layout: Layout, environment: Environment, release: Manifest) -> Chain:
    """The event log, as the release's own code verifies it under the environment's user."""
    root = layout.releases(environment) / release.id
    argv = [
        *(f"/usr/bin/python{release.python}", "-IS", str(root / "run.py"), "services.event_log", "verify"),
        *("--store", str(release.config["event_store_path"]), "--json"),
    ]
    try:
        said = run(argv, user=environment.user, timeout=VERIFYING)
    except StepFailed as error:  # a chain that does not hold is exit code 1, and said as JSON all the same
        said = error.details[-1] if error.details else error.message
        if not said.startswith("{"):
            return Chain(problem=error.details[0] if error.details else error.message)
    found = json.loads(said)
    return Chain(int(found["position"]), found["first_bad_position"])
