"""The directories and the user that an environment needs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ..node import accounts, reading
from ..releases import links, releases
from ..values.errors import Refused
from ..values.layout import Environment


def user_id(environment: Environment) -> int | None:
    """The numeric id of the environment's user; None before it exists."""
    account = accounts.of(environment)
    return account.uid if account else None


def refuse_nobody(environment: Environment) -> None:
    """Raise `Refused` where the environment's user is gone: nobody else reads its log."""
    if user_id(environment) is None:
        raise Refused(
            f"there is no user {environment.user} who could read the log of {environment.name}.",
            f"make deploy ENV={environment.name} makes it again",
        )


def is_home(data: Path) -> bool:
    """Whether there is a directory; an empty volume of somebody's is none."""
    return data.is_dir() and (not links.is_volume(data) or reading.holds_any(Path(os.path.realpath(data))))


def directories(environment: Environment) -> dict[str, bool]:
    """The directories that the environment needs, and whether each has its owner and mode."""
    return {
        str(path): releases.is_right(
            links.real(environment, path), user_id(environment) if owned else 0, mode
        )
        for path, owned, mode in required_directories(environment)
    }


def required_directories(environment: Environment) -> list[tuple[Any, bool, int]]:
    """(path, owned by the environment's user, mode), outermost first."""
    data = environment.data
    return [
        (environment.layout.opt, False, 0o755),
        (environment.layout.layers, False, 0o755),
        (environment.releases.parent, False, 0o755),
        (environment.releases, False, 0o755),
        (environment.verified, False, 0o755),
        (environment.sandbox.parent, False, 0o755),
        (environment.sandbox, False, 0o755),
        (data.parent, False, 0o755),
        (data, True, 0o700),
        (data / "events", True, 0o700),
        (data / "projections", True, 0o700),
    ]
