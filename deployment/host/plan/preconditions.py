"""Refusals: why a desired state cannot be reached, as far as that shows before anything is touched. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..node import sockets
from ..values.desired import Desired, Running, Unchanged
from ..values.errors import Refused
from ..values.layout import Environment
from ..values.manifest import BOT, Manifest
from ..values.observed import NameConflict, Observed


def refuse_conflicts(observed: Observed, release: Manifest, desired: Running) -> None:
    """A release that is somebody else's, or wants what somebody else has."""
    _refuse_claimed(observed, release, desired.environment)
    _refuse_address(observed, release, desired)


def _refuse_claimed(observed: Observed, release: Manifest, environment: Environment) -> None:
    """A release of another environment or project, or with the port or the bot of another environment."""
    if release.environment != environment.name:
        raise Refused(
            f"release {release.id} was built for {release.environment}, not for {environment.name}.",
            f"make deploy ENV={release.environment}",
        )
    for other, project in observed.projects.items():
        if project != release.project:
            raise Refused(
                f"the node belongs to {project}, which has its {other} there, and not to {release.project}.",
                "choose another node, or let its owners remove their environments first",
            )
    port = release.config["api_port"]
    for other, address in observed.neighbours.items():
        if address.rsplit(":", 1)[1] == str(port):
            raise Refused(
                f"port {port} belongs to {other} on this node, so {environment.name} cannot have it.",
                f"give API_PORT another value in .env.{environment.name}",
            )
    bot = release.digests.get(BOT)
    for other, digest in observed.bots.items():
        if digest == bot:
            raise Refused(
                f"the bot of {environment.name} is the one that {other} has on this node: one {BOT}.",
                f"give .env.{environment.name} the token of its own bot",
            )


def _refuse_address(observed: Observed, release: Manifest, desired: Running) -> None:
    """A release that cannot be loaded on this node, or not be reached at its address."""
    environment, port, host = desired.environment, release.config["api_port"], str(release.config["api_host"])
    if plain := sockets.as_ipv4(host):
        raise Refused(
            f"API_HOST {host} of {environment.name} is {plain} in the form of IPv6.",
            f"API_HOST={plain} in .env.{environment.name}",
        )
    if observed.noexec:
        raise Refused(
            f"{observed.noexec} on the node is mounted noexec: no dependency could be loaded from there.",
            f"as root on the node: mount -o remount,exec $(findmnt -no TARGET -T {observed.noexec})",
        )
    if not observed.bindable:
        raise Refused(
            f"{release.config['api_host']} is no address of this node, so nobody could reach it there.",
            f"give API_HOST another value in .env.{environment.name}, such as 0.0.0.0",
        )
    if observed.holder is not None:
        raise Refused(
            f"port {port} is held by {observed.holder}, so {environment.name} cannot have it.",
            f"stop that program, or give API_PORT another value in .env.{environment.name}",
        )
    if observed.beside is not None and desired.staged:
        raise Refused(
            f"port {port} is also held by {observed.beside}: callers of {environment.name} may reach that.",
            f"stop that program, or give API_PORT another value in .env.{environment.name}",
        )


def refuse_unreadable(observed: Observed, desired: Running, release: Manifest) -> None:
    """A release that is too old for the log, or whose events the release that serves could not read after."""
    if not release.log:
        return
    where = desired.environment.name
    unknown = unknown_events(observed.log.holds if observed.log else {}, release.log["reads"])
    if observed.table > release.log["table"]:
        unknown.insert(0, f"table version {observed.table}")
    if unknown:
        raise Refused(
            f"release {release.id} is too old for the log of {where}, which holds {', '.join(unknown)}.",
            "deploy a commit that reads it",
        )
    ahead = unknown_events(release.log["writes"], observed.reads) if observed.reads else []
    if ahead and not desired.insist:
        raise Refused(
            f"release {release.id} writes {', '.join(ahead)}, which {observed.current} could not read: "
            "there would be no way back.",
            "first deploy a release that reads it, then one that writes it; or INSIST=1",
        )


def refuse_lost(observed: Observed, desired: Desired) -> None:
    """Refuse to start with another log than the known one; a restore brings one, and may lose no other."""
    if observed.lost and (desired.log is None or observed.lost.held):
        raise Refused(observed.lost.text, observed.lost.hint)


def refuse_locked(observed: Observed, desired: Running, *, rehearsed: bool) -> None:
    """Refuse to start beside a process that keeps the log locked: the new release could not open it either.

    A restart ends the processes of the service; a rehearsal runs beside them.
    """
    unread, name = observed.unread, desired.environment.name
    if desired.back or unread is None or not unread.holders or (unread.by_service and not rehearsed):
        return
    raise Refused(f"the event log of {name} could not be read: {unread.text}.", unread.hint(name))


def refuse_foreign_log(observed: Observed, desired: Desired, release: Manifest) -> None:
    """A log for the place of another, and the release could not read it, or it is gone."""
    log = desired.log
    if log is None:
        return
    unknown = unknown_events(log.holds, release.log["reads"]) if release.log else []
    if release.log and log.table > release.log["table"]:
        unknown.insert(0, f"table version {log.table}")
    if unknown:
        raise Refused(
            f"that log holds {', '.join(unknown)}, which release {release.id} cannot read.",
            f"first deploy to {desired.environment.name} a release that reads it",
        )
    if desired.archived and desired.archived not in observed.logs and not log.tells(observed.log):
        raise Refused(
            f"the log {desired.archived} of {desired.environment.name} is not archived any more.",
            f"make status ENV={desired.environment.name} names those that are",
        )


def unknown_events(kinds: Mapping[str, Sequence[int]], known: Mapping[str, Sequence[int]]) -> list[str]:
    """The events, by type and version, that are not among the known ones."""
    return [
        f"{kind} in version {version}"
        for kind, versions in sorted(kinds.items())
        for version in versions
        if version not in known.get(kind, ())
    ]


def refuse_taken(taken: Sequence[NameConflict], environment: Environment) -> None:
    """Refuse names of ours that somebody else uses: the owner's data must not be used or removed."""
    if taken:
        first = taken[0]
        raise Refused(
            f"{first.text} is on the node already, and no deploy of {environment.name} has made it.",
            f"{first.hint}; then try again",
            details=tuple(f"{item.text}: {item.hint}" for item in taken[1:]),
        )


def refuse_blind(observed: Observed, environment: Environment) -> None:
    """Refuse to change data that nobody can look at, such as below a mount that answers no more."""
    if observed.blind:
        raise Refused(f"{observed.blind}.", unmounted(environment))


def unmounted(environment: Environment) -> str:
    """The way to be rid of a mount in the data: its owner could mount another one while it runs anything."""
    name = environment.name
    return (
        f"make stop ENV={name}; as root on the node: findmnt names what is mounted in the data; umount --lazy"
    )


def refuse_links(links: Sequence[NameConflict]) -> None:
    """Refuse links in place of our directories that others than root could change, or that lead nowhere."""
    if links:
        first = links[0]
        raise Refused(f"{first.text}.", first.hint, details=tuple(f"{item.text}." for item in links[1:]))


def release_of(observed: Observed, desired: Desired) -> Manifest:
    """The release of the desired state."""
    if desired.release is None and observed.exists:
        raise Refused(
            f"{desired.environment.name} was deployed here, but its current release cannot be read.",
            f"make deploy ENV={desired.environment.name} puts it right",
        )
    if desired.release is None and desired.log and observed.data:
        name = desired.environment.name
        raise Refused(
            f"{name} has no release on this node to verify a log; its data is still there.",
            f"make deploy ENV={name}; see docs/DEPLOYMENT.md if its service does not start",
        )
    if desired.release is None:
        is_rebuild = isinstance(desired, Unchanged) and desired.rebuild
        nothing = "nothing to rebuild" if is_rebuild else "nothing to start"
        nothing = "no log to replace" if desired.log else nothing
        nothing = "nothing to redact" if desired.redaction else nothing
        raise absent(observed, desired.environment, nothing)
    return desired.release


def absent(observed: Observed, environment: Environment, nothing: str) -> Refused:
    """The refusal of what there is `nothing` for, since no release of the environment is there."""
    name = environment.name
    if observed.data:
        return Refused(
            f"{name} was removed from this node, so there is {nothing}; its data is still there.",
            f"make deploy ENV={name} uses that data",
        )
    return Refused(f"{name} is not deployed here, so there is {nothing}.", f"make deploy ENV={name}")
