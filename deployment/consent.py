"""What cannot be taken back is done only for somebody who has typed what it is about."""

from __future__ import annotations

import sys

from .errors import DeployError
from .settings import Settings


def ask(settings: Settings) -> None:
    """Let the environment's name be typed before its data is deleted, or live's log gives way to another.

    Without a terminal it is given as `CONFIRM`. Raises `DeployError` if it is not.
    """
    name = settings.environment
    if settings.delete:
        _typed(settings, f"Everything that {name} on {settings.node} was ever told will be gone for good.")
    elif settings.verb == "restore" and name == "live":
        _typed(settings, f"{settings.backup.name} takes the place of the event log of live.")


def _typed(settings: Settings, warning: str) -> None:
    name = settings.environment
    if settings.confirm is None and sys.stdin.isatty() and not settings.json:
        sys.stderr.write(warning + "\n")
        sys.stderr.write(f"Type {name} to go on: ")
        sys.stderr.flush()
        typed = sys.stdin.readline().strip()
    else:
        typed = settings.confirm or ""
    if typed != name:
        raise DeployError(
            f"this is done only when {name} is typed, not {typed!r}.",
            f"CONFIRM={name} where there is no terminal",
        )
