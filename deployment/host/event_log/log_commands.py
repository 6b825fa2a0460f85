"""The event log in a directory, as a release's own code reads it under the environment's user."""

from __future__ import annotations

import itertools
import json
import re
import shlex
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..node import log_holders, reading
from ..node.run import COLUMNS, run
from ..releases import releases
from ..values.errors import Refused, StepFailed, last_word
from ..values.layout import Environment
from ..values.log import Log
from ..values.manifest import Manifest
from ..values.unread import Unread

HASH = re.compile(r"[0-9a-f]{64}")
TYPES, LONGEST_TYPE = 1000, 200  # types of events in a log, characters of one: a release knows a few dozen
NAME = re.compile(r"([0-9]+-[0-9a-f]{12}|unreadable(-[0-9A-Za-z-]+)?)(\.[0-9]+)?")  # of one that is kept
LOG_FILE = "events.db"  # what a service calls its event log
SUFFIXES = ("", "-wal", "-shm")  # of all files of a log that SQLite locks
SPARE = 32 << 20  # bytes that stay free beside a log that is laid down or copied: the service goes on writing
MEMORY = 384 << 20  # bytes for a release's program that reads a log; with root's it has shares.MEMORY
LITTLE = 256 << 20  # bytes for one that only tells its end: measured, 20 MB
ENTRIES, MANY = 10_000, 1_000  # directory entries that are looked at for archived logs; logs that are listed
# Seconds for a look at the end of a log. Measured for a million events: 0.5 s, and 2.7 s beside eight busy
# programs on two cores. A log that is locked takes the 5 s of the release's own patience.
LOOK = 12.0
LONG = 280.0  # seconds for what depends on the length of the log; the operator's half waits longer


@dataclass(frozen=True)
class At:
    """The hash of a log at a position, None if it has no record there, and the number of messages behind it.

    Of a release that notes nothing of itself, every record is a message.
    """

    hash: str | None
    said_behind: int


def path_of(release: Manifest) -> Path:
    """The directory of a release's event log."""
    return Path(str(release.config["event_store_path"]))


def ask(
    environment: Environment,
    release: Manifest,
    *words: str,
    input: bytes = b"",
    timeout: float = 60.0,
    expect: tuple[int, ...] = (0,),
    memory: int = MEMORY,
    apart: bool = False,
) -> dict[str, Any]:
    """Return the answer of `python -m WORDS --json` of a release, such as `services.event_log head`.

    No process of the environment can trace a program that runs `apart`, or change its answer; such a program
    makes no files. Raises `StepFailed`, also for an answer that is no JSON object.
    """
    argv = releases.command(environment, release, *words[:2], "--json", *words[2:])
    limits: dict[str, Any] = {"timeout": timeout, "memory": memory, "expect": expect}
    text = run(argv, input=input, user=environment.user, apart=apart, **limits)
    answer = object_in(text)
    if answer is None:
        raise StepFailed(f"no JSON object from: {shlex.join(argv)}", details=(text[:COLUMNS],))
    return answer


def object_in(text: str) -> dict[str, Any] | None:
    """Parse the JSON object that a release's program wrote; None for anything else, such as half of one."""
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def head(
    environment: Environment,
    release: Manifest,
    at: int | None = None,
    store: Path | None = None,
) -> tuple[Log, At]:
    """The log in `store`, or the one that the release uses: its head, and what it has at position `at`.

    Raises `StepFailed`.
    """
    words = ["services.event_log", "head", "--store", str(store or path_of(release))]
    more = () if at is None else ("--at", str(at))
    answer = ask(environment, release, *words, *more, timeout=LOOK, memory=LITTLE, apart=True)
    with _typed(store or path_of(release)):
        return _log(answer), _at(answer, at or 0)


def hashes(
    environment: Environment, release: Manifest, positions: Collection[int]
) -> tuple[Log, dict[int, str | None]]:
    """The log that the release uses, and its hash at each position; None where it has no record.

    Raises `StepFailed`.
    """
    at = [word for position in sorted(positions) for word in ("--at", str(position))]
    words = ("services.event_log", "head", "--store", str(path_of(release)), *at)
    answer = ask(environment, release, *words, timeout=LONG, memory=LITTLE, apart=True)
    with _typed(path_of(release)):
        log, values = _log(answer), answer.get("hashes")
        if values is not None:
            return log, {int(at): None if value is None else hash_of(value) for at, value in values.items()}
    # A release of version 0.3.0, or one position: it answers for one at a time.
    return log, {at: head(environment, release, at)[1].hash for at in positions}


@contextmanager
def _typed(store: Path) -> Iterator[None]:
    """Read an answer about the log in `store`. Raises `StepFailed` for one that no release gives."""
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StepFailed(f"{store} has no log that a release writes: {error}.") from error


def _log(answer: Mapping[str, Any]) -> Log:
    """The log in the answer of a release's program. Raises `ValueError` for what no log has.

    The program is root's, and the file that it reads is not: a type of event may be any text.
    """
    holds = answer.get("holds") or {}
    if len(holds) > TYPES or any(len(kind) > LONGEST_TYPE for kind in holds):
        raise ValueError("more or longer types of events than any release writes")
    versions = {str(kind): [int(version) for version in numbers] for kind, numbers in holds.items()}
    message = answer.get("said")
    last = (position_of(message["position"]), hash_of(message["hash"])) if message else None
    return Log(position_of(answer["position"]), hash_of(answer["hash"]), versions, said=last)


def _at(answer: Mapping[str, Any], position: int) -> At:
    members = answer.get("at") or {}
    digest = members.get("hash")
    behind = members.get("said_behind", int(answer["position"]) - position)
    return At(None if digest is None else hash_of(digest), int(behind))


def position_of(value: Any) -> int:
    """Return a position in a log, as an answer has it. Raises `ValueError` for anything else."""
    if not isinstance(value, int) or not 0 <= value < 1 << 63:
        raise ValueError(f"no position: {str(value)[:40]!r}")
    return value


def hash_of(value: Any) -> str:
    """Return the hash of an event, as an answer has it. Raises `ValueError` for anything else."""
    if not isinstance(value, str) or not HASH.fullmatch(value):
        raise ValueError(f"no hash: {str(value)[:80]!r}")
    return value


def at_rest(environment: Environment, manifest: Manifest | None, store: Path | None = None) -> Log | None:
    """The log of a service that does not answer, or the one in `store`; None where nothing can read it."""
    result = rest(environment, manifest, store)
    return result[0] if isinstance(result, tuple) else None


def rest(
    environment: Environment,
    manifest: Manifest | None,
    store: Path | None = None,
    at: int | None = None,
) -> tuple[Log, At] | Unread | None:
    """The log at rest, and its record at position `at`; None where no release is there that could read it."""
    if manifest is None:
        return None
    try:
        return head(environment, manifest, at=at, store=store)
    except (StepFailed, PermissionError) as error:
        directory = store or path_of(manifest)
        return log_holders.of(environment, (directory / f"{LOG_FILE}{suffix}" for suffix in SUFFIXES), error)


def flaw(environment: Environment, release: Manifest, store: Path, timeout: float = LONG) -> str | None:
    """The first fault of the log in `store`, after verifying every record; None for a sound one.

    A verification that takes longer than `timeout` seconds is a fault too.
    """
    try:
        words = ("services.event_log", "verify", "--store", str(store))
        ask(environment, release, *words, timeout=timeout, apart=True)
    except StepFailed as error:  # a chain that does not hold is exit code 1, with JSON all the same
        output = last_word(error)
        answer = object_in(output)
        return _problem(answer) if answer else output.removeprefix("error: ")
    return None


def _problem(answer: Mapping[str, Any]) -> str:
    return str(answer.get("problem") or f"its record at position {answer.get('first_bad_position')}")


def refuse_missing(release: Manifest) -> None:
    """Raise `Refused` where the release has no log: what is built of it would look like a good one."""
    if not (path_of(release) / LOG_FILE).exists():
        raise Refused(
            f"there is no event log in {path_of(release)}.",
            "make doctor looks at everything that is needed",
        )


def archived(environment: Environment) -> tuple[str, ...]:
    """The names of the logs that are kept; what else the service has put there is none."""
    entries = reading.entries(environment.archived_logs, ENTRIES)
    named = (entry for entry in entries if NAME.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False))
    return tuple(sorted(entry.name for entry in itertools.islice(named, MANY)))
