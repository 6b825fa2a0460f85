"""What cannot be taken back is done only for somebody who has typed what it is about."""

from __future__ import annotations

import sys

from .errors import DeployError
from .settings import Settings


def ask(settings: Settings) -> None:
    """Let the environment's name be typed before its data is deleted. Raises `DeployError` if it is not.

    Without a terminal it is given as `CONFIRM`.
    """
    name = settings.environment
    if settings.confirm is None and sys.stdin.isatty() and not settings.json:
        sys.stderr.write(f"Everything that {name} on {settings.node} was ever told will be gone for good.\n")
        sys.stderr.write(f"Type {name} to delete it: ")
        sys.stderr.flush()
        typed = sys.stdin.readline().strip()
    else:
        typed = settings.confirm or ""
    if typed != name:
        raise DeployError(
            f"the data of {name} is deleted only when its name is typed, not {typed!r}.",
            f"CONFIRM={name} where there is no terminal; without DATA=delete the data stays",
        )
