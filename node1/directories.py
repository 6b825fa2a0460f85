"""The directories of this user for what all nodes share."""

import os
from pathlib import Path

NAME = "helionyx-node1"


def cache() -> Path:
    """The directory of base roots and images: the machine's for root, the user's own for anybody else."""
    return _directory("/var/cache", "XDG_CACHE_HOME", ".cache")


def state() -> Path:
    """The directory of the registry of nodes."""
    return _directory("/var/lib", "XDG_STATE_HOME", ".local/state")


def _directory(of_root: str, variable: str, at_home: str) -> Path:
    if os.geteuid() == 0:
        return Path(of_root) / NAME
    return Path(os.environ.get(variable) or Path.home() / at_home) / NAME
