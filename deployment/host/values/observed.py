"""The observed state of an environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .log import Log
from .unread import Unread


@dataclass(frozen=True)
class ReleaseOnDisk:
    """A release that lies on the node."""

    intact: bool = True  # true also for a release that was not examined
    layer: str = ""
    verified_at: float = 0.0
    projections: str = ""  # the file of its read models; none for a release that never came up


@dataclass(frozen=True)
class NameConflict:
    """Something that bears a name of ours and is somebody else's, and the way to get the name free."""

    text: str
    hint: str
    dropin: bool = False  # whether it only changes units of ours: a removal leaves it and needs no name of it
    inner: bool = False  # whether it lies in the data: a removal takes it away, and nothing behind it


@dataclass(frozen=True)
class LogLoss:
    """The loss or replacement of an event log, and the remedy."""

    text: str
    hint: str
    held: bool = False  # whether the process still holds a deleted log


# Of an environment's answer, what tells who answers. The record has the log in fields of its own.
IDENTITY = ("environment", "release", "ready", "reason")
UNRECORDED = frozenset(
    {"bots", "tokens", "neighbours", "projects", "log", "lost", "last_head", "certificate_end"}
)


@dataclass(frozen=True)
class Observed:
    """The observed state of one environment: every fact that a plan may depend on."""

    user: bool = False
    unmarked: bool = False  # whether an earlier version has created the user, without our mark
    taken: tuple[NameConflict, ...] = ()
    links: tuple[NameConflict, ...] = ()  # those in place of directories of ours that are not followed
    directories: Mapping[str, bool] = field(default_factory=dict)
    layers: tuple[str, ...] = ()
    layers_elsewhere: tuple[str, ...] = ()
    releases: Mapping[str, ReleaseOnDisk] = field(default_factory=dict)
    current: str | None = None
    previous: str | None = None  # the release that one goes back to from the current one
    certificate: str = (
        ""  # whether its copy is the same as the files of the release, another one, or not there
    )
    certificate_end: datetime | None = None  # of the copy
    units: Mapping[str, str] = field(default_factory=dict)
    dropins: tuple[str, ...] = ()  # the paths of those that change its units
    stale: bool = False
    journal: bool = False  # whether the journald of its namespace runs
    journal_stale: bool = False  # whether that has started before its configuration was written
    enabled: bool = False
    socket: str = "inactive"
    service: str = "inactive"
    pid: int = 0
    listening: tuple[str, ...] = ()
    listen: str | None = None
    altered: tuple[str, ...] = ()  # the options of its socket that a service has changed
    holder: str | None = None  # the program on its port, while its own socket is closed
    beside: str | None = None  # another program on its port, on an address beside that of its own socket
    noexec: str = ""  # the directory for dependencies, if it is mounted noexec
    bindable: bool = True  # whether the wanted address is one of this node's
    neighbours: Mapping[str, str] = field(default_factory=dict)
    projects: Mapping[str, str] = field(default_factory=dict)  # whose releases are current, by environment
    bots: Mapping[str, str] = field(default_factory=dict)  # other environments' bot tokens, by digest
    # Of all environments here: the API token of the current release, by digest; "" where it has none.
    tokens: Mapping[str, str] = field(default_factory=dict)
    runs: str | None = None  # the release that the process was started from, as far as that is known
    answers: Mapping[str, Any] | None = None
    log: Log | None = None
    unread: Unread | None = None  # why the log could not be read
    lost: LogLoss | None = None  # the loss or replacement of the log, if any
    last_head: Log | None = None  # the length and the head that the log had after the last change
    logs: tuple[str, ...] = ()  # the names of those that are kept
    table: int = 0  # the version of the log's table that the current release writes
    reads: Mapping[str, Any] = field(default_factory=dict)  # the events that the current release understands
    can_bridge: bool = False  # whether the current release reads what another process has just recorded
    opt: bool = False  # whether anything of its releases is there, also of ones that are being removed
    home: bool = False  # whether its directory of data is there
    foreign: bool = False  # whether that belongs to another user
    data: bool = False  # whether its log holds more than starts and stops; without a release, any file counts
    strays: tuple[str, ...] = ()  # processes of its user that its units have not started
    jobs: tuple[str, ...] = ()  # files of its user that cron or at start programs from
    lingers: bool = False  # whether logind starts a user manager for its user
    projections: tuple[str, ...] = ()  # the files of read models that lie here
    blind: str = ""  # why its data could not be looked at: all facts about that are unknown then
    rehearsal: bool = False  # whether something is left of one
    bridge: bool = False  # whether something is left of one
    unexpected: tuple[str, ...] = ()  # sentences about files in its data that are not what their names say

    @property
    def is_stopped(self) -> bool:
        """Whether it was stopped on purpose: nothing runs, and nothing would on boot."""
        return self.service == "inactive" and self.socket == "inactive" and not self.enabled

    @property
    def exists(self) -> bool:
        """Whether the environment was ever deployed here."""
        return self.current is not None or bool(self.units)

    def facts(self) -> dict[str, Any]:
        """The facts that the record of a change keeps: no digest of a token, and who answers."""
        recorded = {key: value for key, value in vars(self).items() if key not in UNRECORDED}
        answers = {key: self.answers.get(key) for key in IDENTITY} if self.answers else None
        names = {key: [item.text for item in getattr(self, key)] for key in ("taken", "links")}
        unread = self.unread.text if self.unread else None
        return {**recorded, **names, "answers": answers, "unread": unread, "releases": sorted(self.releases)}
