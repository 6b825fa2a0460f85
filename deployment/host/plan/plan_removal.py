"""The plan for an environment that is to be absent. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ..values.desired import Absent
from ..values.layout import Environment
from ..values.observed import Observed
from ..values.step import Step
from . import plan_parts as parts
from . import preconditions
from .reasons import listed


def removal(observed: Observed, desired: Absent) -> Iterator[Step]:
    """The steps that remove an environment: because somebody asked for it, or because it never came up."""
    environment = desired.environment
    if desired.remove:
        _refuse(observed, environment)
    yield from parts.cleared(observed, environment)
    reason = "asked for" if desired.remove else "this environment never came up"
    if observed.units:
        yield from _units(observed, environment, reason)
    yield from parts.tamed(observed, environment)
    if not desired.user:
        yield from parts.unscheduled(observed, environment)
    if observed.strays and not desired.user:
        yield Step("end-processes", (environment.user,), f"its user runs {listed(observed.strays)}")
    if observed.releases or observed.current or observed.opt:
        yield Step("remove-releases", (environment.name,), reason)
    layers = tuple(sorted(set(observed.layers) - set(observed.layers_elsewhere)))
    if layers:
        yield Step("prune-layers", layers, "no other environment uses them")
    if not desired.user:
        yield from _data(observed, desired)
        if observed.user:
            yield Step("remove-user", (environment.user,), reason)


def _refuse(observed: Observed, environment: Environment) -> None:
    """Raise `Refused` where a removal could touch what is not this environment's."""
    preconditions.refuse_blind(observed, environment)
    preconditions.refuse_links([item for item in observed.links if not item.inner])
    preconditions.refuse_taken([item for item in observed.taken if not item.dropin], environment)


def _units(observed: Observed, environment: Environment, reason: str) -> Iterator[Step]:
    if observed.service != "inactive" or observed.socket != "inactive":
        yield Step("stop-units", parts.units(environment), parts.states(observed, environment))
    if observed.enabled:
        yield Step("disable-units", parts.units(environment), "enabled at boot")
    yield Step("remove-units", tuple(sorted(observed.units)), reason)
    yield Step("reload-systemd", reason="systemd still knows the units")
    if environment.shutdown in observed.units:  # systemd has forgotten what it does when it stops
        yield Step("stop-units", (environment.shutdown,), "it waits for a shutdown of the node")


def _data(observed: Observed, desired: Absent) -> Iterator[Step]:
    """Data that stays is root's then: the number of a user that is gone may become somebody else's."""
    name = desired.environment.name
    delete = desired.delete or not (desired.remove or observed.data or desired.home)
    if delete and observed.last_head:
        yield Step("forget-log", (name,), "the data goes, and its last head with it")
    if observed.home and delete:
        yield Step("delete-data", (name,), "asked for" if desired.delete else "it holds no data")
    elif observed.home and observed.user:
        yield Step("keep-data", (name,), "data stays unless DATA=delete is given")
