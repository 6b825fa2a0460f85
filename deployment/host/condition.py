"""The condition of one environment: the facts that matter to a deploy, and the pure rules that judge them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .check import Check, bad, ok, warn
from .model import UNIT_SUFFIXES, Environment
from .rules import AS_ROOT, ASIDE
from .status import Fault


@dataclass(frozen=True)
class Port:
    """The port of an environment's configuration, and who has it; `neighbour` is another environment."""

    number: int
    host: str = "0.0.0.0"  # noqa: S104  an address to compare with, not to bind
    local: bool = True
    own: bool = False
    neighbour: str | None = None
    holder: str | None = None


@dataclass(frozen=True)
class Directory:
    """A directory as it should be and as it is: `0700 helionyx-dev`, or None where it is not there."""

    path: str
    wanted: str
    found: str | None


@dataclass(frozen=True)
class Chain:
    """What the release's own code said of the event log: its length, and its first bad record if any."""

    length: int = 0
    first_bad: int | None = None
    problem: str = ""


@dataclass(frozen=True)
class Facts:
    """One environment, as far as a deploy depends on it."""

    environment: Environment
    exists: bool = False
    stopped: bool = False
    release: str | None = None
    layer: str = ""
    layer_held: bool = False
    pid: int = 0
    restarts: int = 0
    user: int | None = None
    units: tuple[str, ...] = ()  # the paths of those that are installed
    foreign: bool = False  # whether the units are there without any deploy
    faults: tuple[Fault, ...] = ()
    directories: tuple[Directory, ...] = ()
    chain: Chain | None = None
    port: Port | None = None
    others: tuple[tuple[str, str], ...] = ()  # (environment, project) of those of another project here
    bot_of: str | None = None  # the environment that has the same bot on this node
    changing: dict[str, Any] | None = None
    unfinished: tuple[str, ...] = field(default_factory=tuple)


def judge(facts: Facts) -> Iterator[Check]:
    """All that is to be said of one environment. While it changes, what is seen of it is no fact."""
    if facts.changing is not None:
        yield _changing(facts)
        return
    taken = list(_taken(facts))
    if not facts.exists:
        free = f"; port {facts.port.number} is free" if facts.port and not taken else ""
        yield ok("release", f"not deployed here yet{free}")
        yield from taken
    elif facts.foreign:
        yield _foreign(facts)
        yield from taken
    else:
        yield from _deployed(facts)
        yield from taken or _port_in_order(facts)
    yield from _unfinished(facts)


def _deployed(facts: Facts) -> Iterator[Check]:
    name, deploy = facts.environment.name, f"make deploy ENV={facts.environment.name}"
    yield from _by_faults(facts, "release", f"{facts.release}, as it was deployed", deploy)
    if facts.release is not None:
        yield from _by_faults(facts, "units", "as they were deployed", deploy)
        runs = "stopped on purpose" if facts.stopped else f"ready as this release, process {facts.pid}"
        yield from _by_faults(facts, "service", runs, f"make logs ENV={name} FOLLOW=0")
        boot = "starts on boot" if not facts.stopped else "stays stopped over a reboot"
        yield from _by_faults(facts, "boot", boot, deploy)
        yield from _by_faults(facts, "python", "", f"{deploy}: a new release takes the Python of the node")
        yield _layer(facts, deploy)
    if facts.restarts:
        yield warn(
            "restarts",
            f"it has died and was started again, {facts.restarts} x",
            f"make logs ENV={name} FOLLOW=0 GREP='Main process exited'",
        )
    yield _user(facts, deploy)
    yield from _directories(facts, deploy)
    yield _chain(facts, deploy)


def _by_faults(facts: Facts, about: str, good: str, mend: str) -> Iterator[Check]:
    """One line per fault, or one that says how well it is."""
    faults = [fault for fault in facts.faults if fault.about == about]
    yield from (bad(about, fault.text, mend) for fault in faults)
    if not faults and good:
        yield ok(about, good)


def _layer(facts: Facts, deploy: str) -> Check:
    if not facts.layer_held:
        return bad("dependencies", f"layer {facts.layer[:12]} of the release is gone", deploy)
    return ok("dependencies", f"layer {facts.layer[:12]} is there")


def _user(facts: Facts, deploy: str) -> Check:
    if facts.user is None:
        return bad("user", f"{facts.environment.user} does not exist", deploy)
    return ok("user", f"{facts.environment.user} ({facts.user})")


def _directories(facts: Facts, deploy: str) -> Iterator[Check]:
    wrong = [item for item in facts.directories if item.found != item.wanted]
    for item in wrong:
        mode, owner = item.wanted.split(" ")
        yield bad(
            "directory",
            f"{item.path} is {item.found or 'not there'}, and should be {item.wanted}",
            f"{AS_ROOT}: install -d -m {mode} -o {owner} -g {owner} {item.path}"
            if owner == "root" or facts.user is not None
            else deploy,
        )
    if not wrong:
        yield ok("directories", f"all {len(facts.directories)} with their owners and modes")


def _chain(facts: Facts, deploy: str) -> Check:
    chain, name = facts.chain, facts.environment.name
    aside = f"{ASIDE}: cp -a /var/lib/helionyx/{name}/events /root/events-{name}"
    if chain is None:
        return warn("event log", "not verified: there is no release, or no user, to read it", deploy)
    if chain.problem:
        return bad("event log", f"not verified: {chain.problem}", aside)
    if chain.first_bad is not None:
        found = f"the record at position {chain.first_bad} of {chain.length} is not what was appended"
        return bad("event log", found, aside)
    count = "1 event" if chain.length == 1 else f"{chain.length} events"
    return ok("event log", f"{count} verified, the chain is whole" if chain.length else "empty")


def _taken(facts: Facts) -> Iterator[Check]:
    """What the environment's configuration asks for and cannot have on this node."""
    port, file = facts.port, f".env.{facts.environment.name}"
    for name, project in facts.others:
        yield bad(
            "project",
            f"the node belongs to {project}, which has its {name} there",
            "NODE=, or pyproject.toml: another node; or let its owners remove theirs first",
        )
    if facts.bot_of:
        yield bad(
            "bot", f"{facts.bot_of} has the same one here", f"TELEGRAM_BOT_TOKEN in {file}: one of its own"
        )
    if port is None:
        return
    if port.neighbour:
        yield bad("port", f"{port.number} belongs to {port.neighbour}", f"another API_PORT in {file}")
    elif port.holder and not port.own:
        yield bad(
            "port",
            f"{port.number} is held by {port.holder}",
            f"{AS_ROOT}: ss -ltnp 'sport = :{port.number}', and stop it; or another API_PORT in {file}",
        )
    if not port.local:
        yield bad(
            "address", f"{port.host} is none of this node", f"API_HOST=0.0.0.0 in {file} is every address"
        )


def _port_in_order(facts: Facts) -> Iterator[Check]:
    if facts.port is not None:
        yield ok("port", f"{facts.port.number} is {'its own' if facts.port.own else 'free'}")


def _foreign(facts: Facts) -> Check:
    files = " ".join(facts.units)
    names = " ".join(Path(path).name for path in facts.units if path.endswith(UNIT_SUFFIXES))
    return bad(
        "units",
        f"no deploy has put {files} there",
        f"{AS_ROOT}: systemctl disable --now {names}; mv {files} /root/ && systemctl daemon-reload",
    )


def _changing(facts: Facts) -> Check:
    held, name = facts.changing or {}, facts.environment.name
    age = max(0.0, time.time() - float(held.get("since") or time.time()))
    return warn(
        "changing",
        f"by {held.get('actor', 'somebody')} ({held.get('verb', 'a change')}) since {age:.0f} s;"
        " nothing else was judged",
        f"make status ENV={name}, and make doctor again once it has ended",
    )


def _unfinished(facts: Facts) -> Iterator[Check]:
    for name in facts.unfinished:
        mend = f"make deploy ENV={facts.environment.name} goes on from what it left"
        yield warn("unfinished", f"transaction {name} has no result", mend)
    if not facts.unfinished and facts.exists:
        yield ok("changes", "none under way, none unfinished")
