"""The plan for an environment that is to be absent. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from . import plan_parts as parts
from . import preconditions
from .model import Observed, Wanted
from .reasons import listed
from .step import Step


def removal(seen: Observed, wanted: Wanted) -> Iterator[Step]:
    """The steps that remove an environment: because somebody asked for it, or because it never came up."""
    environment = wanted.environment
    if wanted.remove:
        preconditions.refuse_blind(seen, environment)
        preconditions.refuse_links([item for item in seen.links if not item.inner])
        preconditions.refuse_taken([item for item in seen.taken if not item.dropin], environment)
    yield from parts.cleared(seen, environment)
    why = "asked for" if wanted.remove else "this environment never came up"
    if seen.units:
        if seen.service != "inactive" or seen.socket != "inactive":
            yield Step("stop-units", parts.units(environment), parts.states(seen, environment))
        if seen.enabled:
            yield Step("disable-units", parts.units(environment), "enabled at boot")
        yield Step("remove-units", tuple(sorted(seen.units)), why)
        yield Step("reload-systemd", reason="systemd still knows the units")
        if environment.shutdown in seen.units:  # systemd has forgotten what it does when it stops
            yield Step("stop-units", (environment.shutdown,), "it waits for a shutdown of the node")
    yield from parts.tamed(seen, environment)
    if not wanted.user:
        yield from parts.unscheduled(seen, environment)
    if seen.strays and not wanted.user:
        yield Step("end-processes", (environment.user,), f"its user runs {listed(seen.strays)}")
    if seen.releases or seen.current or seen.opt:
        yield Step("remove-releases", (environment.name,), why)
    layers = tuple(sorted(set(seen.layers) - set(seen.layers_elsewhere)))
    if layers:
        yield Step("prune-layers", layers, "no other environment uses them")
    if wanted.user:
        return
    # Data that stays is root's then: the number of a user that is gone may become somebody else's.
    delete = wanted.delete or not (wanted.remove or seen.data or wanted.home)
    if delete and seen.last_head:
        yield Step("forget-log", (environment.name,), "the data goes, and its last head with it")
    if seen.home and delete:
        yield Step("delete-data", (environment.name,), "asked for" if wanted.delete else "it holds no data")
    elif seen.home and seen.user:
        yield Step("keep-data", (environment.name,), "data stays unless DATA=delete is given")
    if seen.user:
        yield Step("remove-user", (environment.user,), why)
