"""The states that a change can ask for, one class each: `Desired` has what all of them share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from .layout import Environment
from .log import Log
from .manifest import Manifest
from .request import Redaction


@dataclass(frozen=True, kw_only=True)
class Desired:
    """The state that an environment is to have."""

    environment: Environment
    release: Manifest | None = None
    log: Log | None = None  # the event log to be used; None: the one that is there
    archived: str = ""  # the name of that log where it is archived; empty for one that is brought
    redaction: Redaction | None = None  # the event whose words are to be replaced
    staged: bool = False  # whether missing files were sent; else the release is taken from the node
    back: bool = False  # whether this reverts a failed change: whatever was there is good enough
    failed: str = ""  # in a revert: the release that did not come up

    def reached(self) -> Self:
        """The same state without what is done once: nothing of it is to be done again."""
        return replace(self, log=None, redaction=None)


@dataclass(frozen=True, kw_only=True)
class Running(Desired):
    """The release serves, and its units are enabled."""

    restart: bool = False
    soak: float | None = None  # seconds that the release is watched in its rehearsal; None: no rehearsal
    watch: float | None = None  # seconds that the service is watched with a log that has just come
    insist: bool = False  # whether it may write what the release before cannot read
    enabled: bool = True  # whether it starts on boot; in a revert, as before
    pid: int = 0  # in a revert: the process of before; as long as it runs, nothing was touched
    keep: int | None = None  # releases that came up and stay; None: nothing is pruned
    prune: bool = False  # whether somebody has said how many: then also where nothing else is to be done

    def reached(self) -> Self:
        """The same state without a restart and without a watched log."""
        return replace(super().reached(), restart=False, watch=None)


@dataclass(frozen=True, kw_only=True)
class Stopped(Desired):
    """Nothing runs; the release and the data stay. `release` is None unless a revert installs its units."""

    enabled: bool = False  # whether it starts on boot all the same, as it did before a failed change


@dataclass(frozen=True, kw_only=True)
class Absent(Desired):
    """No release, no unit and no user is there."""

    remove: bool = False  # whether somebody asked for it; else the environment never came up
    delete: bool = False  # whether its data is removed too
    user: bool = False  # whether its user and data were there before the failed change, and stay
    home: bool = False  # whether its directory of data was there before, and stays


@dataclass(frozen=True, kw_only=True)
class Unchanged(Desired):
    """The service stays as it is, running or stopped: only data is worked on."""

    rebuild: bool = False  # whether the read models are to be built anew

    def reached(self) -> Self:
        """The same state without a rebuild."""
        return replace(super().reached(), rebuild=False)
