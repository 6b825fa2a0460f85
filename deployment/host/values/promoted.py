"""Promoted releases: where such a release has its code from, and whether it is the same. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from .layout import ENVIRONMENTS
from .manifest import Manifest
from .members import EnvironmentName, Name


@dataclass(frozen=True)
class Promoted:
    """The release whose code and dependencies go to another environment, and where it runs."""

    environment: EnvironmentName
    release: Name

    @classmethod
    def parse(cls, value: Mapping[str, Any]) -> Self:
        """Read it from its JSON. Raises `ValueError` for another environment than ours."""
        if value["environment"] not in ENVIRONMENTS:
            raise ValueError(f"no environment {value['environment']!r}")
        return cls(str(value["environment"]), str(value["release"]))

    def __str__(self) -> str:
        """The release and the environment, as messages name them."""
        return f"{self.release} of {self.environment}"


def differences(runs: Manifest, comes: Manifest) -> list[str]:
    """The names of all that differs between the code and the dependencies of two releases."""
    pairs = {"its commit": (runs.commit, comes.commit), "its dependencies": (runs.layer, comes.layer)}
    pairs |= {"Python": (runs.python, comes.python), "its platform": (runs.platform, comes.platform)}
    old, new = _code(runs), _code(comes)
    pairs |= {path: (old.get(path, ""), new.get(path, "")) for path in sorted({*old, *new})}
    return [name for name, (before, after) in pairs.items() if before != after]


def _code(release: Manifest) -> dict[str, str]:
    """The digests of the files that are not made for one environment."""
    own = {f".env.{release.environment}", "helionyx", *(f"units/{name}" for name in release.units)}
    return {path: digest for path, digest in release.files.items() if path not in own}
