"""The only policy: the state found and the state desired in, steps out. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..values import exposure
from ..values.desired import Absent, Desired, Running, Stopped, Unchanged
from ..values.errors import Refused
from ..values.layout import Environment
from ..values.manifest import Manifest
from ..values.observed import Observed
from ..values.step import Step
from . import bridges, certificates, preconditions, pruning, reasons
from . import plan_parts as parts
from .plan_removal import removal
from .reasons import listed


def plan(observed: Observed, desired: Desired) -> tuple[Step, ...]:
    """The steps from the state found to the state desired; none when they are the same.

    Raises `Refused` where the desired state cannot be reached.
    """
    match desired:
        case Running():
            return tuple(_running(observed, desired))
        case Stopped():
            return tuple(_stopped(observed, desired))
        case Absent():
            return tuple(removal(observed, desired))
        case Unchanged():
            return tuple(_unchanged(observed, desired))
        case _:
            raise AssertionError(f"no plan for {desired}")


def _running(observed: Observed, desired: Running) -> Iterator[Step]:
    release, environment = preconditions.release_of(observed, desired), desired.environment
    _refuse(observed, desired, release)
    installed = tuple(_installed(observed, release, desired))
    switch = _switch_of(observed, desired, release, installed)
    yield from installed
    yield from certificates.copied(observed, release, desired, installed)
    # The bridge of an interrupted switch answers until the service is restarted.
    yield from parts.cleared(replace(observed, bridge=observed.bridge and not switch.bridged), environment)
    yield from parts.tamed(observed, environment)
    rehearsal = _rehearsal(observed, desired, release, installed, switch)
    if switch.restart:
        preconditions.refuse_locked(observed, desired, rehearsed=bool(rehearsal))
    if rehearsal and environment.journal not in observed.units:
        yield from _bounded(observed, release, environment)
        switch = replace(switch, units=tuple(name for name in switch.units if name != environment.journal))
    yield from rehearsal
    yield from _switched(observed, desired, release, switch)
    yield from _verified(observed, desired, release, switch)
    yield from _tidied(observed, desired, release, switch)


def _refuse(observed: Observed, desired: Running, release: Manifest) -> None:
    """Raise `Refused` where the release cannot run here."""
    preconditions.refuse_conflicts(observed, release, desired)
    exposure.refuse_open(observed, desired, release)
    if desired.back:  # a revert is never refused for this: the release of before could read its log
        return
    preconditions.refuse_blind(observed, desired.environment)
    preconditions.refuse_links(observed.links)
    preconditions.refuse_taken(observed.taken, desired.environment)
    refuse = preconditions.refuse_foreign_log if desired.log else preconditions.refuse_unreadable
    refuse(observed, desired, release)
    preconditions.refuse_lost(observed, desired)


@dataclass(frozen=True)
class _Switch:
    """The changes that callers may notice. A reason is one sentence, and empty where there is none."""

    units: tuple[str, ...]  # those to be installed
    logs: tuple[Step, ...]  # the steps that replace the event log
    redaction: tuple[Step, ...]
    rebind: str  # the reason to open the socket anew
    log: str  # the reason for which the log is another one
    restart: str  # the reason to restart the service

    @property
    def bridged(self) -> bool:
        """Whether a second process may serve meanwhile: it needs the open socket and the same log."""
        return bool(self.restart) and not self.rebind and not self.log


def _switch_of(
    observed: Observed, desired: Running, release: Manifest, installed: tuple[Step, ...]
) -> _Switch:
    service = desired.environment.service
    units = parts.units_that_differ(observed, release)
    logs = tuple(parts.swapped(observed, desired))
    redaction = tuple(parts.redacted(desired))
    rebind = reasons.rebind(observed, release, desired, units)
    log = "the event log is replaced" if logs else "an event is redacted" if redaction else ""
    restarts = reasons.restarts(
        observed,
        desired,
        log=log,
        rebound=rebind,
        edited=Step("install-release", (release.id,)) in installed,
        unit=service if service in units else "",
    )
    return _Switch(units, logs, redaction, rebind, log, restart="; ".join(restarts))


def _rehearsal(
    observed: Observed, desired: Running, release: Manifest, installed: tuple[Step, ...], switch: _Switch
) -> tuple[Step, ...]:
    """The steps of a rehearsal; none for a release that runs already as it is."""
    dropins = bool(observed.dropins and switch.restart) and not switch.logs and not desired.back
    if not dropins and Step("check-release", (release.id,)) not in installed:
        return ()
    return tuple(_rehearsed(release, desired.soak, dropins=dropins))


def _switched(observed: Observed, desired: Running, release: Manifest, switch: _Switch) -> Iterator[Step]:
    environment = desired.environment
    reopened = switch.rebind or switch.log
    bridge = tuple(bridges.started(observed, release)) if switch.bridged else ()
    yield from bridge
    yield from switch.logs[:1]  # what is wrong with a log shows while the service still runs
    if reopened:
        yield Step("close-socket", (environment.socket,), reopened)
    yield from switch.logs[1:]
    yield from switch.redaction
    enabled = observed.enabled or desired.enabled
    restart = bool(switch.restart)
    yield from parts.switched(observed, release, environment, switch.units, enabled=enabled, restart=restart)
    if reopened or observed.socket != "active":
        closed = f"{environment.socket} is {observed.socket}"
        yield Step("open-socket", (environment.socket,), reopened or closed)
    if restart:
        yield Step("restart-service", (environment.service,), switch.restart)
    if bridge or (switch.bridged and observed.bridge):
        yield from bridges.ended(environment)


def _verified(observed: Observed, desired: Running, release: Manifest, switch: _Switch) -> Iterator[Step]:
    was_verified = release.id in observed.releases and observed.releases[release.id].verified_at > 0
    # An attempt that goes on behind the switch brings no log any more: the one in use is to be verified.
    is_other_log = desired.watch is not None and (bool(switch.logs) or desired.log is None)
    other_log = "the event log is another one"
    if switch.restart:
        yield Step("verify", (release.id,), "it was restarted")
    elif is_other_log:
        yield Step("verify", (release.id,), other_log)
    elif not was_verified:
        yield Step("verify", (release.id,), "this release was not verified here yet")
    if is_other_log and desired.watch:
        yield Step("watch", (f"{desired.watch:g} s",), other_log)


def _tidied(observed: Observed, desired: Running, release: Manifest, switch: _Switch) -> Iterator[Step]:
    """The steps behind a switch that callers do not meet."""
    if observed.unmarked and not desired.back:
        reason = "an earlier version created the user, without a mark"
        yield Step("mark-user", (desired.environment.user,), reason)
    if desired.keep is not None and (switch.restart or switch.units or desired.prune):
        yield from pruning.pruned(observed, release, desired.keep)
    yield from certificates.removed(observed, release)
    yield from pruning.discarded(observed, desired)


def _stopped(observed: Observed, desired: Stopped) -> Iterator[Step]:
    environment = desired.environment
    if not observed.exists:
        raise preconditions.absent(observed, environment, "nothing to stop")
    if observed.service not in ("inactive", "failed") or observed.socket not in ("inactive", "failed"):
        yield Step("stop-units", parts.units(environment), parts.states(observed, environment))
    # Behind the service, which could ask logind again until it ends.
    yield from parts.tamed(observed, environment)
    yield from parts.cleared(observed, environment)
    if desired.release is None:
        yield from parts.linked(observed, environment, enabled=desired.enabled)
    else:
        yield from parts.swapped(observed, desired)
        written = parts.units_that_differ(observed, desired.release)
        where = (observed, desired.release, environment, written)
        yield from parts.switched(*where, enabled=desired.enabled, restart=False)
    yield from pruning.discarded(observed, desired)


def _unchanged(observed: Observed, desired: Unchanged) -> Iterator[Step]:
    release, environment = preconditions.release_of(observed, desired), desired.environment
    if not (desired.rebuild or desired.redaction):
        return
    if release.id not in observed.releases or release.layer not in observed.layers or not observed.user:
        raise Refused(
            f"release {release.id} or what it needs is gone from the node.",
            f"make deploy ENV={environment.name}",
        )
    if desired.redaction:
        yield from parts.cleared(observed, environment)
    yield from parts.redacted(desired)
    if desired.rebuild:
        yield Step("rebuild-projections", (release.id,), "asked for")


def _installed(observed: Observed, release: Manifest, desired: Running) -> Iterator[Step]:
    """The steps that the serving release does not notice."""
    environment = desired.environment
    if not observed.user:
        # The new user would have the jobs of its name.
        yield from parts.unscheduled(observed, environment)
        yield Step("create-user", (environment.user,), "there is no such user")
    wrong = tuple(sorted(path for path, right in observed.directories.items() if not right))
    # Before the rest: it makes the outermost directory right at last.
    if observed.home and (observed.foreign or not observed.user):
        yield Step("adopt-data", (environment.name,), "its data belongs to another user")
    if wrong:
        yield Step("create-directories", wrong, f"missing, or of another owner or mode: {listed(wrong)}")
    on_node = observed.releases.get(release.id)
    is_missing = on_node is None or not on_node.intact
    if not desired.staged:
        _refuse_missing(observed, release, desired)
    elif release.layer not in observed.layers:
        yield Step("install-layer", (release.layer,), "these dependencies are not on the node")
    if desired.staged and is_missing:
        yield Step("install-release", (release.id,), reasons.release(observed, release))
    unserved = reasons.not_served(observed, desired)
    if (is_missing and desired.staged) or unserved:
        yield Step("check-release", (release.id,), unserved or "its files are installed again")


def _refuse_missing(observed: Observed, release: Manifest, desired: Running) -> None:
    """Raise `Refused` where a release that nobody sends is not on the node, or not whole."""
    again = f"make deploy ENV={desired.environment.name}"
    on_node = observed.releases.get(release.id)
    if on_node is None or release.layer not in observed.layers:
        raise Refused(f"release {release.id} or its dependencies are gone from the node.", again)
    if not on_node.intact and not desired.back and observed.current != release.id:
        raise Refused(
            f"release {release.id} was edited on the node and is not what it was.",
            f"git switch --detach {release.commit[:12]}, then {again}",
        )


def _rehearsed(release: Manifest, soak: float | None, *, dropins: bool) -> Iterator[Step]:
    """The rehearsal of a release: its faults show while the running release is still untouched.

    With drop-ins a restart is rehearsed, too: they may have come after the process that runs.
    """
    if not release.log:  # releases without a declared log are older than rehearsals
        return
    if soak is None and not dropins:
        return
    why = "drop-ins change its units" if dropins and soak is None else "before callers meet this release"
    if soak is not None and release.knows_its_bot:
        yield Step("check-bot", (release.id,), why)
    yield Step("rehearse", (release.id,), why)
    if soak:
        yield Step("soak", (f"{soak:g} s",), why)
    yield Step("end-rehearsal", (release.id,), why)


def _bounded(observed: Observed, release: Manifest, environment: Environment) -> Iterator[Step]:
    """The limits of the environment's journal: the rehearsal is the first to write to it."""
    why = "the rehearsal is the first to write to the journal"
    yield Step("install-units", (release.id, environment.journal), why)
    if observed.journal:  # from a deploy that failed
        yield Step("restart-journal", (environment.namespace,), why)
