"""Bridges: whether a second process serves while the service restarts. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ..values.layout import Environment
from ..values.manifest import Manifest
from ..values.observed import Observed
from ..values.step import BRIDGE, Step
from .preconditions import unknown_events


def started(observed: Observed, release: Manifest) -> Iterator[Step]:
    """Start a bridge before a restart, where callers are answered now and two processes can share the log."""
    if _is_serving(observed) and _can_share_log(observed, release):
        yield Step(BRIDGE, (release.id,), "callers are answered while the service restarts")


def ended(environment: Environment, why: str = "the service answers by itself") -> Iterator[Step]:
    """End the bridge of this switch, or of one that was interrupted."""
    yield Step("end-bridge", (environment.bridge_service,), why)


def _is_serving(observed: Observed) -> bool:
    is_active = observed.service == observed.socket == "active"
    return is_active and bool((observed.answers or {}).get("ready"))


def _can_share_log(observed: Observed, release: Manifest) -> bool:
    """Whether both releases can serve side by side: each reads at once what the other has recorded."""
    is_same_table = release.log.get("table") == observed.table
    is_read = not unknown_events(release.log.get("writes", {}), observed.reads)
    can_bridge = release.can_bridge and observed.can_bridge
    return can_bridge and is_same_table and is_read and observed.unread is None
