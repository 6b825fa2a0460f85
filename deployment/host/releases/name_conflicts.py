"""Accounts, units, directories and journals that bear a name of ours and that no deploy has made.

They are refused before anything is touched: nothing of somebody else's is used, overwritten or removed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from ..node import accounts, dropins, reading
from ..node.accounts import Account
from ..records import audit
from ..values.layout import ENVIRONMENTS, UNIT_SUFFIXES, Environment
from ..values.observed import NameConflict
from ..values.printable import printable
from . import releases

AS_ROOT = "as root on the node"
UNIT_PLACES = (
    "run/systemd/transient",
    "run/systemd/generator.early",
    "run/systemd/system",
    "run/systemd/generator",
    "usr/local/lib/systemd/system",
    "usr/lib/systemd/system",
    "run/systemd/generator.late",
)
"""The places of units besides /etc: those of people, programs and packages."""
BEFORE_OURS = (
    "etc/systemd/system.control",
    "run/systemd/system.control",
    "run/systemd/transient",
    "run/systemd/generator.early",
)
"""The places that systemd prefers to /etc/systemd/system, where a deploy puts its units."""
LISTENS = re.compile(r"^[ \t]*Listen\w+[ \t]*=[ \t]*\S", re.MULTILINE)
OURS_IN_DATA = {"events", "projections", "kept"}
LOG = "events.db"
DEPTH = 3  # levels of a directory of data that are searched for a log


def of(environment: Environment) -> tuple[NameConflict, ...]:
    """An environment's names that are taken. Directories and units of a deployed environment are ours."""
    return tuple(_each(environment))


def _each(environment: Environment) -> Iterator[NameConflict]:
    yield from account(accounts.of(environment), accounts.group_of(environment), environment)
    yield from _units(environment)
    yield from _addresses(environment)
    if not releases.is_deployed(environment):
        yield from _directories(environment)
        yield from _journals(environment)


def account(existing: Account | None, group: int | None, environment: Environment) -> Iterator[NameConflict]:
    """A user or a group of the environment's name that is somebody else's."""
    name, home = environment.user, environment.data
    if existing is not None and not accounts.is_ours(existing, environment, home):
        values = f"uid {existing.uid}, home {existing.home}, shell {existing.login_shell}"
        rename = f"usermod --login OTHER_NAME {name}; groupmod --new-name OTHER_NAME {name}"
        # An account with our home may be ours and edited since.
        adopt = f"usermod --comment '{accounts.mark(environment)}' {name}"
        hint = f"{AS_ROOT}: {adopt if existing.home == str(home) else rename}"
        yield NameConflict(f"the user {name} ({values})", hint)
    elif group is not None and (existing is None or existing.gid != group):
        hint = f"{AS_ROOT}: groupmod --new-name OTHER_NAME {name}, or groupdel {name}"
        yield NameConflict(f"the group {name} (gid {group})", hint)


def _units(environment: Environment) -> Iterator[NameConflict]:
    files = [environment.layout.unit_file(name) for name in releases.strange_units(environment)]
    transient = environment.transient_units
    names = [path.name for path in transient]
    own = (environment.socket, environment.service)
    files += [path for path in map(environment.layout.unit_file, names) if _is_there(path)]
    if not releases.is_deployed(environment):
        names += own
        files += [path for path in _journal_files(environment) if _is_there(path)]
    elsewhere = {
        environment.layout.root / directory / name: None for directory in UNIT_PLACES for name in names
    }
    elsewhere |= {
        environment.layout.root / directory / name: None for directory in BEFORE_OURS for name in own
    }
    files += [path for path in elsewhere if path not in transient and _is_there(path)]
    if files:
        shown = " ".join(map(str, files))
        units = " ".join(path.name for path in files if path.name.endswith(UNIT_SUFFIXES))
        ended = f"systemctl disable --now {units}; " if units else ""
        hint = f"{AS_ROOT}: {ended}mv {shown} /root/ && systemctl daemon-reload"
        yield NameConflict(", ".join(map(str, files)), hint)


def _addresses(environment: Environment) -> Iterator[NameConflict]:
    """Drop-ins by which the socket listens elsewhere too: no release could prove itself there."""
    for path in dropins.of(environment.layout, environment.socket).values():
        if LISTENS.search(path.read_text(errors="replace")):
            own = f"API_HOST= and API_PORT= in .env.{environment.name} say where {environment.name} listens"
            hint = f"{AS_ROOT}: mv {path} /root/ && systemctl daemon-reload; {own}"
            yield NameConflict(f"{path}, with an address for {environment.socket},", hint, dropin=True)


def _is_there(path: Path) -> bool:
    return path.is_symlink() or path.exists()


def _journal_files(environment: Environment) -> list[Path]:
    places = ("run/systemd", "usr/local/lib/systemd", "usr/lib/systemd")
    return [environment.layout.root / directory / environment.journal for directory in places]


def _directories(environment: Environment) -> Iterator[NameConflict]:
    data, own = environment.data, environment.releases.parent
    known = {
        environment.layout.opt: {"layers", "host", *ENVIRONMENTS},
        own: {"releases", "current", "verified"},
        data.parent: set(ENVIRONMENTS),
    }
    strange = [path for path, names in known.items() if _is_strange(path, names)]
    if _is_strange(data, OURS_IN_DATA) and not holds_log(data):
        strange.append(data)
    for path in strange:
        yield NameConflict(f"{path} with {_some(path)}", f"{AS_ROOT}: mv {path} {path}.aside")


def _is_strange(path: Path, known: set[str]) -> bool:
    """Whether somebody has put something there, and nothing that is there is ours."""
    names = _names(path)
    return bool(names) and not known & set(names)


def _names(path: Path) -> list[str]:
    """The names in a directory, without hidden ones and what a file system has by itself."""
    entries = reading.entries(Path(os.path.realpath(path)))
    return sorted(entry.name for entry in entries if entry.name[0] != "." and entry.name != "lost+found")


def _some(path: Path) -> str:
    first, *others = _names(path)
    first = printable(first)
    return f"{first} and {len(others)} more in it" if others else f"{first} in it"


def holds_log(data: Path) -> bool:
    """Whether an event log lies in a directory, wherever a configuration has put it."""
    paths = (path.relative_to(data) for path, _ in reading.walk(data))
    return any(path.name == LOG and len(path.parts) <= DEPTH for path in paths)


def _journals(environment: Environment) -> Iterator[NameConflict]:
    """Journals of the namespace, on a node where the environment never was."""
    pattern = f"*.{environment.namespace}"
    journals = [
        path for path in (environment.layout.root / "var/log/journal").glob(pattern) if any(path.iterdir())
    ]
    if journals and not _is_known(environment):
        shown = " ".join(map(str, journals))
        yield NameConflict(f"the journal {shown}", f"{AS_ROOT}: mv {shown} /root/")


def _is_known(environment: Environment) -> bool:
    """Whether the environment has been on this node before: its data is here, or a change of it on record."""
    lines = (line for line in audit.read(environment.layout) if isinstance(line, dict))
    data = environment.data
    return holds_log(data) or any(line.get("environment") == environment.name for line in lines)
