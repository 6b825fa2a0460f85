"""The nouns of a deployment, as values that both halves share."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from .unread import Unread

BOT = "TELEGRAM_BOT_TOKEN"  # two pollers of one token end each other's polls for ever
ACCESS = "API_TOKEN"  # whoever is on the node can use a service that has none
KEEP = 5  # releases that came up and stay, unless a request says otherwise


@dataclass(frozen=True)
class Manifest:
    """The contents of a release. Its id is the commit and a digest of all the rest."""

    environment: str
    commit: str
    dirty: bool
    subject: str
    python: str
    platform: str
    layer: str
    files: Mapping[str, str]
    units: Mapping[str, str]
    config: Mapping[str, Any]
    digests: Mapping[str, str]
    project: str = "helionyx"
    log: Mapping[str, Any] = field(
        default_factory=dict
    )  # which table, events and versions it reads and writes
    format: int = 1
    id: str = ""

    @property
    def listen(self) -> str:
        """The address of the environment's socket, as systemd writes it."""
        return listen_address(str(self.config["api_host"]), int(self.config["api_port"]))

    @property
    def knows_its_bot(self) -> bool:
        """Whether it has a bot and can ask whose that is, which those that say where they ask can."""
        return bool(self.config.get("has_telegram_token")) and "telegram_api_url" in self.config

    @property
    def expected_id(self) -> str:
        """The id that these contents must bear."""
        return id_of(self.to_json())

    @property
    def text(self) -> bytes:
        """The contents of its file in the release."""
        return json.dumps(self.to_json(), indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"

    def to_json(self) -> dict[str, Any]:
        """The manifest as plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Manifest:
        """Read it back; keys that a later deployment added are left aside."""
        known = {item.name for item in fields(cls)}
        return cls(**{key: item for key, item in value.items() if key in known})


def id_of(manifest: Mapping[str, Any]) -> str:
    """The id that a manifest must bear, from its plain values: one of another version may have other keys."""
    digest = hashlib.sha256(canonical({**manifest, "id": ""}).encode()).hexdigest()
    return f"{manifest['commit'][:12]}{'-dirty' if manifest['dirty'] else ''}-{digest[:12]}"


@dataclass(frozen=True)
class Kept:
    """A release that lies on the node."""

    intact: bool = True  # true also for a release that was not examined
    layer: str = ""
    verified_at: float = 0.0
    projections: str = ""  # the file of its read models; none for a release that never came up


@dataclass(frozen=True)
class Log:
    """The length and the head of an event log, and the versions of each type of event that it holds.

    `said` are the position and the hash of the last event that is not what a service noted of itself, as its
    start is: two logs that agree in it tell the same. A release that notes nothing does not tell it either.
    """

    length: int
    head: str
    holds: Mapping[str, Any] = field(default_factory=dict)
    table: int = 0  # the version of its table; 0 where that is not known
    said: tuple[int, str] | None = None

    @property
    def last(self) -> tuple[int, str]:
        """The position and the hash of the last thing that was said; position 0 where nothing was."""
        return (self.length, self.head) if self.said is None else (self.said[0], self.said[1])

    @property
    def name(self) -> str:
        """The name of its archive: a start or a stop of a service does not change it."""
        position, digest = self.last
        return f"{position}-{digest[:12]}"

    def tells(self, other: Log | None) -> bool:
        """Whether the two tell the same; where one does not say what was said, whether they are equal."""
        if other is None or self.said is None or other.said is None:
            return other is not None and (self.length, self.head) == (other.length, other.head)
        return self.last == other.last

    @classmethod
    def of_answer(cls, length: int, head: str, answer: Mapping[str, Any], table: int = 0) -> Log:
        """Read the log from a release's `answer`; an older release leaves some of it out."""
        said = answer.get("said")
        last = None if said is None else (int(said["position"]), str(said["hash"]))
        return cls(length, head, answer.get("holds") or {}, table, last)


@dataclass(frozen=True)
class Taken:
    """Something that bears a name of ours and is somebody else's, and the way to get the name free."""

    text: str
    hint: str
    dropin: bool = False  # whether it only changes units of ours: a removal leaves it and needs no name of it
    inner: bool = False  # whether it lies in the data: a removal takes it away, and nothing behind it


@dataclass(frozen=True)
class Lost:
    """The loss or replacement of an event log, and the remedy."""

    text: str
    hint: str
    held: bool = False  # whether the process still holds a deleted log


# Of an environment's answer, what tells who answers. The record has the log in fields of its own.
IDENTITY = ("environment", "release", "ready", "reason")
UNRECORDED = frozenset({"bots", "tokens", "neighbours", "projects", "log", "lost", "last_head"})


@dataclass(frozen=True)
class Observed:
    """The observed state of one environment: every fact that a plan may depend on."""

    user: bool = False
    unmarked: bool = False  # whether an earlier version has created the user, without our mark
    taken: tuple[Taken, ...] = ()
    links: tuple[Taken, ...] = ()  # those in place of directories of ours that are not followed
    directories: Mapping[str, bool] = field(default_factory=dict)
    layers: tuple[str, ...] = ()
    layers_elsewhere: tuple[str, ...] = ()
    releases: Mapping[str, Kept] = field(default_factory=dict)
    current: str | None = None
    previous: str | None = None  # the release that one goes back to from the current one
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
    lost: Lost | None = None  # the loss or replacement of the log, if any
    last_head: Log | None = None  # the length and the head that the log had after the last change
    logs: tuple[str, ...] = ()  # the names of those that are kept
    table: int = 0  # the version of the log's table that the current release writes
    reads: Mapping[str, Any] = field(default_factory=dict)  # the events that the current release understands
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


@dataclass(frozen=True)
class Redaction:
    """An event whose words are to be replaced, who wants that, and why."""

    position: int
    reason: str
    by: str


def changed_keys(before: Manifest | None, after: Manifest) -> list[str]:
    """The configuration's keys whose values differ between two releases, judged by their digests."""
    old, new = before.digests if before else {}, after.digests
    return sorted(key for key in set(old) | set(new) if old.get(key) != new.get(key))


def listen_address(host: str, port: int) -> str:
    """`host:port` with the brackets that an IPv6 literal needs."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def canonical(value: Any) -> str:
    """JSON with one spelling, for digests."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def sha256(data: bytes) -> str:
    """Hexadecimal SHA-256."""
    return hashlib.sha256(data).hexdigest()
