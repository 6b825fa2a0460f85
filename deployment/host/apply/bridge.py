"""A bridge: while the service restarts, a second process of the release serves on the environment's socket.

It runs as the release's own service unit says. The variable tells it that the service has the bot.
"""

from __future__ import annotations

from pathlib import Path

from ..node import systemd
from ..values.errors import StepFailed
from ..values.layout import Environment
from ..values.manifest import Manifest
from . import variants

LONGEST = 900  # seconds after which systemd ends a bridge that everybody has forgotten

DIFFERENCES = """
# What a bridge does otherwise than the service.
[Unit]
Description=Helionyx {name}: serves while the service restarts

[Service]
Sockets={socket}
Environment=HELIONYX_BRIDGE=1
SyslogIdentifier={unit}
Restart=no
RuntimeMaxSec={longest}
"""


def begin(environment: Environment, release: Manifest) -> None:
    """Let the release serve beside the service. Raises `StepFailed`, and leaves nothing."""
    unit = environment.bridge_file
    variants.install(units(environment, release), unit)
    try:
        systemd.start_service(environment, unit.name)
    except StepFailed as error:
        end(environment)
        message = f"release {release.id} did not come up beside the service."
        raise StepFailed(message, error.hint, error.details) from error


def units(environment: Environment, release: Manifest) -> dict[Path, bytes]:
    """The unit file of a bridge and its drop-ins."""
    unit = environment.bridge_file
    values = {"name": environment.name, "socket": environment.socket, "unit": unit.stem, "longest": LONGEST}
    return variants.units(environment, release, unit, {}, DIFFERENCES.format(**values))


def end(environment: Environment) -> str:
    """Let a bridge finish what it has begun and remove it; return its result as systemd names it."""
    result = systemd.end(environment.bridge_service)
    variants.remove(environment, environment.bridge_file)
    return result
