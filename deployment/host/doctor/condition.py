"""The condition of one environment: the facts that matter to a deploy, and the pure rules that judge them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..node import sockets
from ..plan import preconditions
from ..records.locks import Holder
from ..values.check import Check, bad, ok, warn
from ..values.layout import Environment
from ..values.observed import NameConflict
from ..values.words import times
from . import certificate_check, directory_check, log_check
from .certificate_check import Certificate
from .directory_check import Directory
from .faults import Fault
from .log_check import Chain
from .rules import AS_ROOT


@dataclass(frozen=True)
class Port:
    """The port of an environment's configuration, and who has it; `neighbour` is another environment."""

    number: int
    host: str = "0.0.0.0"  # noqa: S104  an address to compare with, not to bind
    local: bool = True
    own: bool = False
    neighbour: str | None = None
    holder: str | None = None
    beside: str | None = None  # the program that listens on it too, on another address


@dataclass(frozen=True)
class Facts:
    """One environment, as far as a deploy depends on it.

    Where a look failed, the finding that says so stands in place of the fact.
    """

    environment: Environment
    unseen: Check | None = None  # why nothing is known of its units and its process
    exists: bool = False
    configured: bool = True  # whether the operator has an `.env` file for it
    stopped: bool = False
    startable: bool = False  # whether it is down, and not by a failure of its own
    release: str | None = None
    layer: str = ""
    layer_held: bool = False
    pid: int = 0
    restarts: int = 0
    user: int | None = None
    groupless: int | None = None  # the number of its group, where no group bears its name
    strays: tuple[str, ...] = ()  # processes of its user that its units have not started
    taken: tuple[NameConflict, ...] = ()
    links: tuple[NameConflict, ...] = ()
    dropins: tuple[str, ...] = ()
    noexec: str = ""
    faults: tuple[Fault, ...] = ()
    directories: tuple[Directory, ...] | Check = ()
    chain: Chain | Check | None = None
    port: Port | Check | None = None
    others: tuple[tuple[str, str], ...] = ()  # (environment, project) of those of another project here
    open_to: tuple[str, ...] = ()  # the environments here whose code can use its API
    bot_of: str | None = None  # the environment that has the same bot on this node
    certificate: Certificate | None = None  # None without HTTPS
    bot: Check | None = None  # whose its token is; None where it has none, or cannot ask
    changing: Holder | None = None  # the change that is under way
    unfinished: tuple[str, ...] = ()


def judge(facts: Facts) -> Iterator[Check]:
    """All that is to be said of one environment. While it changes, what is seen of it is no fact."""
    if facts.changing is not None:
        yield _changing(facts)
        return
    taken = list(_taken(facts))
    if facts.unseen is not None:
        yield facts.unseen
        if facts.exists:
            yield from _at_rest(facts)
        yield from taken
    elif not facts.exists:
        free = f"; port {facts.port.number} is free" if isinstance(facts.port, Port) and not taken else ""
        yield ok("release", f"not deployed here yet{free}")
        yield from taken
    else:
        yield from _deployed(facts)
        if facts.certificate is not None:
            yield from certificate_check.judge(facts.certificate, facts.environment)
        yield from _at_rest(facts)
        yield from taken or _port_in_order(facts)
    yield from _unfinished(facts)


def _deployed(facts: Facts) -> Iterator[Check]:
    """The release, and the process that runs it."""
    name, deploy = facts.environment.name, _deploy(facts)
    yield from _by_faults(facts, "release", f"{facts.release}, as it was deployed", deploy)
    if facts.release is not None:
        yield from _by_faults(facts, "units", "as they were deployed", deploy)
        if facts.dropins:
            strange = f"change the units, and no deploy has put them there: {', '.join(facts.dropins)}"
            shown = f"systemctl cat {facts.environment.service} shows all"
            yield warn("drop-ins", strange, f"{AS_ROOT}: {shown}; remove what is not meant")
        runs = "stopped on purpose" if facts.stopped else f"ready as this release, process {facts.pid}"
        mend = f"make start ENV={name}" if facts.startable else f"make logs ENV={name} FOLLOW=0"
        yield from _by_faults(facts, "service", runs, mend)
        yield from _by_faults(facts, "socket", "", f"make restart ENV={name} opens it anew; find out why")
        boot = "starts on boot" if not facts.stopped else "stays stopped over a reboot"
        yield from _by_faults(facts, "boot", boot, deploy)
        yield from _by_faults(facts, "python", "", f"{deploy}: a new release takes the Python of the node")
        yield _layer(facts)
    if facts.open_to:
        yield bad(
            "token",
            f"the code of {' and '.join(facts.open_to)} can read and write it: no API_TOKEN, or the same",
            f"a new API_TOKEN in .env.{name}, then {deploy}",
        )
    yield from _by_faults(facts, "disk", "", "make room there; recording goes on by itself")
    if facts.bot is not None:
        yield facts.bot
    yield from _by_faults(facts, "bot", "", f"make logs ENV={name} FOLLOW=0; docs/DEPLOYMENT.md, Bots")
    if facts.restarts:
        again = f"crashed and restarted {times(facts.restarts)}"
        yield warn("restarts", again, f"make logs ENV={name} FOLLOW=0 GREP='Main process exited'")
    if not facts.configured:
        yield bad(
            f".env.{name}",
            f"{name} is deployed here, and your checkout has no such file: no deploy can follow",
            f"bring back the one that it runs with, /opt/helionyx/{name}/current/.env.{name} there;"
            f" or a new one, with a new token: make env ENV={name}",
        )


def _at_rest(facts: Facts) -> Iterator[Check]:
    """Judge user, directories and data, which outlive the process."""
    yield _user(facts)
    yield from _by_faults(facts, "user", "", f"{_deploy(facts)} ends that, as make stop does")
    if facts.strays:
        user = facts.environment.user
        text = f"{user} runs what its units have not started: {', '.join(facts.strays)}"
        yield warn("processes", text, f"{AS_ROOT}: systemctl status PID shows where one comes from")
    yield from _directories(facts)
    yield from _files(facts)
    yield from _chain(facts)


def _files(facts: Facts) -> Iterator[Check]:
    """The hint moves such a file away as its user: in the directories of a service root can be led astray."""
    name, user = facts.environment.name, facts.environment.user
    hints = {
        "jobs": f"{AS_ROOT}: look at each, and remove it; make remove ENV={name} does that too",
        "data": preconditions.unmounted(facts.environment),
        "files": f"{AS_ROOT}: look at it, and move it away by: runuser -u {user} -- mv",
    }
    for about, hint in hints.items():
        yield from _by_faults(facts, about, "", hint)


def _deploy(facts: Facts) -> str:
    return f"make deploy ENV={facts.environment.name}"


def _by_faults(facts: Facts, about: str, good: str, mend: str) -> Iterator[Check]:
    """One line per fault, or one that says how well it is."""
    faults = [fault for fault in facts.faults if fault.about == about]
    yield from (bad(about, fault.text, mend) for fault in faults)
    if not faults and good:
        yield ok(about, good)


def _layer(facts: Facts) -> Check:
    if not facts.layer_held:
        return bad("dependencies", f"layer {facts.layer[:12]} of the release is gone", _deploy(facts))
    return ok("dependencies", f"layer {facts.layer[:12]} is there")


def _user(facts: Facts) -> Check:
    name = facts.environment.user
    if facts.user is None:
        return bad("user", f"{name} does not exist", _deploy(facts))
    if facts.groupless is not None:
        mend = f"{AS_ROOT}: groupadd --system --gid {facts.groupless} {name}"
        return bad("user", f"the group {name} does not exist", mend)
    return ok("user", f"{name} ({facts.user})")


def _directories(facts: Facts) -> Iterator[Check]:
    if isinstance(facts.directories, Check):
        yield facts.directories
        return
    # Made anew and empty, they would let a restart end what the process still holds.
    keep_away = isinstance(facts.chain, Chain) and facts.chain.lost
    yield from directory_check.judge(
        facts.directories, facts.environment, _deploy(facts), keep_away=keep_away
    )


def _chain(facts: Facts) -> Iterator[Check]:
    if isinstance(facts.chain, Check):
        yield facts.chain
    elif facts.chain is None:
        nobody = "not verified: there is no release, or no user, to read it"
        yield warn("event log", nobody, _deploy(facts))
    else:
        gone = any(fault.about == "python" for fault in facts.faults)
        explained = gone or not facts.layer_held or facts.groupless is not None
        yield from log_check.judge(facts.chain, facts.environment, explained=explained)


def _taken(facts: Facts) -> Iterator[Check]:
    """Judge the port, the names and the bot that another program or environment has taken."""
    port, file = facts.port, f".env.{facts.environment.name}"
    yield from (bad("link", item.text, item.hint) for item in facts.links)
    for item in facts.taken:
        yield bad("name", f"{item.text} is there, and no deploy has made it", item.hint)
    if facts.noexec:
        yield bad(
            "disk",
            f"{facts.noexec} is mounted noexec: no dependency could be loaded from there",
            f"{AS_ROOT}: mount -o remount,exec $(findmnt -no TARGET -T {facts.noexec})",
        )
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
    if not isinstance(port, Port):
        yield from () if port is None else (port,)
        return
    if port.neighbour:
        yield bad("port", f"{port.number} belongs to {port.neighbour}", f"another API_PORT in {file}")
    elif port.holder and not port.own:
        yield bad(
            "port",
            f"{port.number} is held by {port.holder}",
            f"{AS_ROOT}: ss -ltnp 'sport = :{port.number}', and stop it; or another API_PORT in {file}",
        )
    elif port.beside:
        yield bad(
            "port",
            f"{port.number} is also held by {port.beside}: callers may reach that",
            f"{AS_ROOT}: ss -ltnp 'sport = :{port.number}', and stop it",
        )
    if plain := sockets.as_ipv4(port.host):
        yield bad("address", f"{port.host} is {plain} in the form of IPv6", f"API_HOST={plain} in {file}")
    elif not port.local:
        yield bad(
            "address", f"{port.host} is none of this node", f"API_HOST=0.0.0.0 in {file} is every address"
        )


def _port_in_order(facts: Facts) -> Iterator[Check]:
    if isinstance(facts.port, Port):
        yield ok("port", f"{facts.port.number} is {'its own' if facts.port.own else 'free'}")


def _changing(facts: Facts) -> Check:
    held, name = facts.changing or Holder(), facts.environment.name
    return warn(
        "changing",
        f"by {held.actor or 'somebody'} ({held.verb or 'a change'}) since {held.age:.0f} s;"
        " nothing else was judged",
        f"make status ENV={name}, and make doctor again once it has ended",
    )


def _unfinished(facts: Facts) -> Iterator[Check]:
    for name in facts.unfinished:
        mend = f"make deploy ENV={facts.environment.name} goes on from what it left"
        yield warn("unfinished", f"transaction {name} has no result", mend)
    if not facts.unfinished and facts.exists:
        yield ok("changes", "none under way, none unfinished")
