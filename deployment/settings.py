"""The request of the operator: a verb and everything that belongs to it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Settings:
    """One request of one person, complete."""

    verb: str
    environments: tuple[str, ...]
    named: bool
    nodes: dict[str, str]
    ssh_options: tuple[str, ...]
    root: Path
    here: Path  # where the request was made: paths in it count from there
    env_dir: Path
    json: bool
    follow: bool
    lines: int | None
    since: str | None
    grep: str | None
    release: str | None
    to: str
    backup: str
    soak: float
    keep: int | None  # releases; None if not given
    config: str | None
    insist: bool
    delete: bool
    confirm: str | None
    position: int  # of the event to redact; 0 for other verbs
    reason: str

    @property
    def environment(self) -> str:
        """The one environment that the verb is about."""
        return self.environments[0]

    @property
    def node(self) -> str:
        """Its node."""
        return self.nodes[self.environment]

    @property
    def by_node(self) -> dict[str, list[str]]:
        """The environments that the verb is about, by their node: usually there is one."""
        names: dict[str, list[str]] = {}
        for name in self.environments:
            names.setdefault(self.nodes[name], []).append(name)
        return names
