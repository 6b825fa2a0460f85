"""The parts that plans for several states have in common. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ..values.desired import Desired
from ..values.layout import Environment
from ..values.manifest import Manifest
from ..values.observed import Observed
from ..values.step import Step
from . import bridges, reasons


def cleared(observed: Observed, environment: Environment) -> Iterator[Step]:
    """Remove what a rehearsal or a switch has left that did not come to its end."""
    if observed.bridge:
        yield from bridges.ended(environment, "left by a switch that did not end")
    if observed.rehearsal:
        yield Step("clear-rehearsal", (environment.rehearsal_stem,), "left by a rehearsal that did not end")


def tamed(observed: Observed, environment: Environment) -> Iterator[Step]:
    """End what the environment's user runs outside of its units with the help of logind."""
    if observed.lingers:
        yield Step("end-lingering", (environment.user,), "logind keeps a user manager running for the user")


def unscheduled(observed: Observed, environment: Environment) -> Iterator[Step]:
    """Remove what cron and at would start as the environment's user."""
    if observed.jobs:
        yield Step(
            "remove-jobs", (environment.user,), f"cron or at would start {reasons.listed(observed.jobs)}"
        )


def swapped(observed: Observed, desired: Desired) -> Iterator[Step]:
    """Another log in the place of the one that is there: brought, or taken from where it is kept.

    On the way back the log of before is kept if it was switched already, and else still in its place.
    """
    if desired.log is None:
        return
    there = (
        desired.archived not in observed.logs
        if desired.back
        else desired.log.tells(observed.log) and not observed.lost
    )
    if not there:
        why = f"the log is {observed.log.name}" if observed.log else "no log is there that can be read"
        take, brought = (
            Step("take-log", (desired.archived,), why),
            Step("install-log", (desired.log.name,), why),
        )
        yield take if desired.archived else brought
        yield Step("switch-log", (desired.log.name,), why)


def redacted(desired: Desired) -> Iterator[Step]:
    """Replace the words of an event while no process has the log open."""
    if desired.redaction is not None:
        yield Step("redact-log", (f"position {desired.redaction.position}",), "asked for")


def switched(
    observed: Observed,
    release: Manifest,
    environment: Environment,
    written: tuple[str, ...],
    *,
    enabled: bool,
    restart: bool,
) -> Iterator[Step]:
    """Units and `current`: what decides which release the service manager starts, now and on boot.

    `current` is turned also where it is not known which release the process runs that is about to end: a note
    of that comes with the turn.
    """
    surplus = tuple(sorted(set(observed.units) - set(release.units)))
    if surplus:
        yield Step("remove-units", surplus, f"{release.id} has no such unit")
    if written:
        yield Step("install-units", (release.id, *written), reasons.units(observed, written))
    unknown = restart and bool(observed.pid) and observed.runs is None
    if observed.current != release.id or unknown:
        why = "the release of the running process is not known" if unknown else "no release is active"
        if observed.current not in (release.id, None):
            why = f"{observed.current} is active"
        yield Step("turn-current", (release.id,), why)
    changed = observed.stale or bool(observed.units and (written or surplus))
    yield from linked(observed, environment, enabled=enabled, changed=changed)
    if (environment.journal in written and environment.journal in observed.units) or observed.journal_stale:
        yield Step("restart-journal", (environment.namespace,), "its limits changed after its start")


def linked(
    observed: Observed, environment: Environment, *, enabled: bool, changed: bool = False
) -> Iterator[Step]:
    """Enable or disable the units, then reload systemd once: for that, and for units that have `changed`.

    Units that were not there before need no reload: systemd finds them by itself.
    """
    turns = observed.enabled != enabled
    if turns:
        why = f"{'not ' if enabled else ''}enabled at boot"
        yield Step("enable-units" if enabled else "disable-units", units(environment), why)
    if changed or (turns and observed.units):
        yield Step("reload-systemd", reason="systemd knows an earlier version of the units")


def units_that_differ(observed: Observed, release: Manifest) -> tuple[str, ...]:
    return tuple(name for name, digest in sorted(release.units.items()) if observed.units.get(name) != digest)


def units(environment: Environment) -> tuple[str, str]:
    return (environment.socket, environment.service)


def states(observed: Observed, environment: Environment) -> str:
    """The states of the service and the socket."""
    return f"{environment.service} is {observed.service}, {environment.socket} is {observed.socket}"
