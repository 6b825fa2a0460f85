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
    root: Path
    here: Path = ROOT  # where the request was made: paths in it count from there
    env_dir: Path = ROOT
    own_node: bool = False  # whether the node is that of `make try`, and nobody named it
    ssh_options: tuple[str, ...] = ()
    planned: str = ""  # the verb that a plan is of; empty for any other verb, and for a deploy
    json: bool = False
    confirm: str | None = None
    follow: bool = True
    lines: int | None = None
    since: str | None = None
    grep: str | None = None
    release: str | None = None
    soak: float = 0.0
    watch: float = 0.0  # seconds of probation after a deploy
    wait: float = 0.0  # seconds for another change of the environment to end
    keep: int | None = None  # releases
    config: str | None = None
    insist: bool = False
    source: str = ""  # the environment that a promotion takes its release from
    to: str = ""
    backup: str = ""
    delete: bool = False
    position: int = 0  # of the event to redact
    reason: str = ""
    override: str = ""  # the reason to deploy to live without a proof that CI passed

    @property
    def change(self) -> str:
        """The verb that decides what is sent to the node and asked of it."""
        return self.planned or self.verb

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
