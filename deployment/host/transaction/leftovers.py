"""Half-made files of an environment that a kill or a power cut has left: the next change sweeps them."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from ..apply import acceptance
from ..event_log import archived_logs
from ..node.files import sweep, unfinished
from ..node.run import run
from ..records.locks import Holder, environment_lock, host_lock
from ..values.errors import HostError
from ..values.layout import Environment

PATIENCE = 10.0  # seconds: a service can put more there than is ever removed


def sweep_all(environment: Environment) -> None:
    """Remove what is half-made. The lock of the environment is held; what stays, the next change sweeps."""
    for part in (_sweep_published, _sweep_layers, _sweep_data, acceptance.clear):
        with contextlib.suppress(OSError, HostError):
            part(environment)


def _sweep_published(environment: Environment) -> None:
    own = environment.releases
    for parent in (own, own.parent, environment.verified):
        sweep(parent)
    units = map(environment.layout.unit_file, environment.unit_names)
    for path in (*units, *environment.transient_units, environment.last_head):
        unfinished(path).unlink(missing_ok=True)


def _sweep_layers(environment: Environment) -> None:
    if any(environment.layout.layers.glob(".*.half")):
        with host_lock(environment.layout):  # the half-made layer of another environment is one in the making
            sweep(environment.layout.layers)


def _sweep_data(environment: Environment) -> None:
    """Remove copies of the log that were not finished: each takes as much room as the log."""
    half, copy = environment.archived_logs / archived_logs.HALF, environment.copies
    _remove(environment, half)
    if os.path.lexists(copy):
        with environment_lock(
            environment.layout, f"{environment.name}-backup", Holder("sweep")
        ):  # none is being made
            _remove(environment, copy)


def _remove(environment: Environment, path: Path) -> None:
    """Remove what lies there, as the environment's user: wherever a link leads, it gains nothing."""
    if os.path.lexists(path):
        rm = ["rm", "-rf", "--one-file-system", "--", str(path)]
        run(rm, user=environment.user, timeout=PATIENCE)
