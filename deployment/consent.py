"""What costs the words of people is done only for somebody who has typed what it is about."""

from __future__ import annotations

import sys

from .copies import Copy
from .errors import DeployError
from .settings import Settings


def ask(settings: Settings, copy: Copy | None = None) -> None:
    """Let the environment's name be typed before its data is deleted, or live's log gives way to another.

    Without a terminal it is given as `CONFIRM`. Raises `DeployError` if it is not.
    """
    name = settings.environment
    if settings.delete:
        _typed(
            settings,
            f"Everything that {name} on {settings.node} was ever told will be gone for good.",
            "delete it",
            f"the data of {name} is deleted",
            "; without DATA=delete the data stays",
        )
    elif settings.verb == "restore" and name == "live":
        what = f"{settings.backup}{f', {copy.shown},' if copy else ''}"
        warning = f"{what} takes the place of the event log of live on {settings.node}, which is kept there."
        _typed(settings, warning, "restore it", "the log of live gives way to another")


def _typed(settings: Settings, warning: str, act: str, what: str, more: str = "") -> None:
    name = settings.environment
    if settings.confirm is None and sys.stdin.isatty() and not settings.json:
        sys.stderr.write(warning + "\n")
        sys.stderr.write(f"Type {name} to {act}: ")
        sys.stderr.flush()
        typed = sys.stdin.readline().strip()
    else:
        typed = settings.confirm or ""
    if typed != name:
        raise DeployError(
            f"{what} only when its name is typed, not {typed!r}.",
            f"CONFIRM={name} where there is no terminal{more}",
        )
