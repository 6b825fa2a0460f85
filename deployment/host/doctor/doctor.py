"""The node's half of `make doctor`: it gathers, `rules` and `condition` judge; nothing is changed by it."""

from __future__ import annotations

import grp
import pwd
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from ..apply import bot
from ..node import sockets, systemd
from ..node.systemd import Unit
from ..node.wire import Wire
from ..observe.directories import required_directories, user_id
from ..observe.observe import observe
from ..records import audit, locks, record
from ..releases import links, releases
from ..values import exposure
from ..values.check import Check, bad
from ..values.errors import HostError, reason
from ..values.layout import Environment, Layout
from ..values.manifest import BOT, Manifest
from ..values.observed import Observed
from ..values.question import Configured, Question
from . import certificate_check, condition, faults, log_look, rules, status, vitals
from .condition import Facts, Port
from .directory_check import Directory

LOOKS = 3  # at one environment, when changes end while it is looked at

Fact = TypeVar("Fact")


def examine(wire: Wire, question: Question) -> None:
    """Say the time, then the checks of the node and of each environment, as soon as each is known."""
    wire.say("clock", at=time.time())
    _tell(wire, None, _attempt("node", lambda: _node(question.layout)))
    for environment in question.environments:
        look = partial(_environment, environment, question)
        _tell(wire, environment.name, _attempt("environment", look))
    wire.say("result", outcome="done")


def _tell(wire: Wire, environment: str | None, checks: list[Check]) -> None:
    wire.say("checks", environment=environment, checks=[check.to_json() for check in checks])


def _attempt(name: str, look: Callable[[], Iterable[Check]]) -> list[Check]:
    """Return the findings of a look; an exception in it becomes one more finding."""
    checks: list[Check] = []
    try:
        for check in look():
            checks.append(check)
    except Exception as error:  # noqa: BLE001  a doctor that dies of what it finds is no help
        checks.append(_tripped(name, error))
    return checks


def _fact(name: str, look: Callable[[], Fact]) -> Fact | Check:
    """Return the fact, or a finding in its place if the look raises."""
    try:
        return look()
    except Exception as error:  # noqa: BLE001  as above
        return _tripped(name, error)


def _tripped(name: str, error: Exception) -> Check:
    again = "fix that, then make doctor again"
    hint = error.hint if isinstance(error, HostError) else ""
    return bad(name, reason(error), hint or again)


def _node(layout: Layout) -> Iterator[Check]:
    yield from _attempt("systemd", lambda: rules.system(vitals.system()))
    yield from _attempt("disk", lambda: map(rules.file_system, vitals.file_systems(layout)))
    yield from _attempt("shares", lambda: [rules.shares(vitals.missing_controllers())])
    yield from _attempt("time service", lambda: rules.synchronized(vitals.synchronized()))
    yield from _attempt("audit", lambda: _audit(layout))


def _audit(layout: Layout) -> Iterator[Check]:
    lines = audit.read(layout)
    yield rules.audit(lines, audit.first_bad(lines), str(layout.audit))


def _environment(environment: Environment, question: Question) -> Iterator[Check]:
    """Judge an environment; look again where a change went on meanwhile, whose state is not judged."""
    for _ in range(LOOKS):
        ended = _ended(environment)
        held = locks.holder(environment.layout, environment.name)
        if held is None:
            facts = _facts(environment, question)
            held = locks.holder(environment.layout, environment.name)
            if held is None and _ended(environment) == ended:
                return condition.judge(facts)
        if held is not None:
            return condition.judge(Facts(environment, changing=held))
    return condition.judge(Facts(environment, changing=locks.Holder()))


def _ended(environment: Environment) -> set[str]:
    """The changes of an environment that have a result."""
    return {item.id for item in record.of(environment) if item.result is not None}


def _facts(environment: Environment, question: Question) -> Facts:
    """All facts: what one look trips over is a finding, and no end of the others."""
    current = releases.read_manifest(environment, releases.current(environment))
    observed = _fact("units", partial(_seen, environment))
    known = None if isinstance(observed, Check) else observed[0]
    facts = _on_disk(environment, current, question)
    if facts.exists:
        look = partial(_directories, environment)
        facts = replace(facts, directories=_fact("directories", look))
    if current is not None and facts.user is not None:
        facts = _by_release(facts, current, known)
    if not isinstance(observed, Check):
        full = _fact("units", partial(_with_units, question, facts, current, *observed))
        if not isinstance(full, Check):
            return full
        observed = full
    return replace(facts, unseen=observed)


def _by_release(facts: Facts, current: Manifest, observed: Observed | None) -> Facts:
    """The facts, with those that the release's own code finds out: the event log, and the bot."""
    environment, readable = facts.environment, _readable(facts)
    chain = partial(log_look.look, environment, current, observed, readable=readable)
    facts = replace(facts, chain=_fact("event log", chain))
    if current.knows_its_bot and readable:
        facts = replace(facts, bot=_fact("bot", partial(bot.look, environment, current)))
    return facts


def _on_disk(environment: Environment, current: Manifest | None, question: Question) -> Facts:
    """The facts that need neither systemd nor a program of the release."""
    return Facts(
        environment=environment,
        exists=current is not None
        or releases.current(environment) is not None
        or bool(releases.unit_files(environment)),
        configured=environment.name not in question.unconfigured,
        release=current.id if current else None,
        layer=current.layer if current else "",
        layer_held=current is not None and current.layer in releases.layers(environment.layout),
        user=user_id(environment),
        groupless=_groupless(environment),
        unfinished=tuple(status.unfinished(environment, None)),
    )


def _seen(environment: Environment) -> tuple[Observed, Unit]:
    """Observe an environment, once systemd has answered: `observe` would wait long for it."""
    unit = systemd.show([environment.service], timeout=vitals.QUESTION)[environment.service]
    return observe(environment), unit


def _with_units(
    question: Question,
    facts: Facts,
    current: Manifest | None,
    observed: Observed,
    unit: Unit,
) -> Facts:
    """The facts, with those that the service manager and the running process tell."""
    environment = facts.environment
    desired = question.configured.get(environment.name) or _of_manifest(current)
    return replace(
        facts,
        exists=observed.exists,
        stopped=observed.is_stopped,
        startable=observed.service == "inactive"
        or (observed.service == "active" and observed.socket != "active"),
        pid=observed.pid,
        restarts=unit.restarts,
        strays=observed.strays,
        taken=observed.taken,
        links=observed.links,
        dropins=observed.dropins,
        noexec=observed.noexec,
        certificate=certificate_check.of(observed, current, datetime.now(UTC)),
        faults=tuple(faults.of(environment, observed, current, unit)) if observed.exists else (),
        port=_fact("port", partial(_port, observed, desired)),
        others=tuple(item for item in observed.projects.items() if item[1] != question.project),
        open_to=exposure.open_to(environment.name, observed.tokens),
        bot_of=_bot_of(observed, desired),
    )


def _readable(facts: Facts) -> bool:
    """Whether there is all that the release's code needs to be run at all."""
    return facts.layer_held and facts.groupless is None


def _groupless(environment: Environment) -> int | None:
    """The number of the user's group, if no group bears the user's name any more."""
    try:
        number = pwd.getpwnam(environment.user).pw_gid
    except KeyError:
        return None
    return None if any(group.gr_name == environment.user for group in grp.getgrall()) else number


def _of_manifest(current: Manifest | None) -> Configured | None:
    """The values of the current release, if the operator has no `.env` file."""
    if current is None:
        return None
    config = current.config
    return Configured(str(config["api_host"]), int(config["api_port"]), current.digests.get(BOT))


def _port(observed: Observed, desired: Configured | None) -> Port | None:
    if desired is None:
        return None
    host, number = desired.host, desired.port
    held = [item for item in sockets.listeners() if item.port == number]
    neighbours = [name for name, listen in observed.neighbours.items() if _number(listen) == number]
    own = observed.listen is not None and _number(observed.listen) == number
    return Port(
        number=number,
        host=host,
        local=sockets.is_local(host),
        own=own,
        neighbour=neighbours[0] if neighbours else None,
        holder=sockets.holder(held[0].inode) if held and not own else None,
        beside=observed.beside if own else None,
    )


def _number(listen: str) -> int:
    return int(listen.rsplit(":", 1)[1])


def _bot_of(observed: Observed, desired: Configured | None) -> str | None:
    bot = desired.bot if desired else None
    return next((name for name, digest in observed.bots.items() if bot is not None and digest == bot), None)


def _directories(environment: Environment) -> tuple[Directory, ...]:
    return tuple(
        Directory(
            str(path),
            f"{mode:04o} {environment.user if owned else 'root'}",
            *_as_it_is(links.real(environment, path)),
        )
        for path, owned, mode in required_directories(environment)
    )


def _as_it_is(path: Path) -> tuple[str | None, bool]:
    """Mode and owner of a directory, or what stands in its place, with True; None where nothing does."""
    try:
        status = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None, False
    if not stat.S_ISDIR(status.st_mode):
        return "a link" if stat.S_ISLNK(status.st_mode) else "a file", True
    try:
        owner = pwd.getpwuid(status.st_uid).pw_name
    except KeyError:
        owner = str(status.st_uid)
    return f"{stat.S_IMODE(status.st_mode):04o} {owner}", False
