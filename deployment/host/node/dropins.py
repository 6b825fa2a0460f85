"""Drop-ins: files beside a unit that change it, put there by people, packages and tools, and by no deploy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from ..values.layout import Environment, Layout

PLACES = (
    "etc/systemd/system.control",
    "run/systemd/system.control",
    "run/systemd/transient",
    "run/systemd/generator.early",
    "etc/systemd/system",
    "etc/systemd/system.attached",
    "run/systemd/system",
    "run/systemd/system.attached",
    "run/systemd/generator",
    "usr/local/lib/systemd/system",
    "usr/lib/systemd/system",
    "run/systemd/generator.late",
)
"""The places of units, as in systemd.unit(5): of two files of one name the first one counts."""
JOURNAL_PLACES = ("etc/systemd", "run/systemd", "usr/local/lib/systemd")
"""The places of drop-ins for a journal's configuration, as in journald.conf(5)."""
OF_DISTRIBUTION = "usr/lib/systemd/system"
SUFFIX = ".conf"
LAST = "~rehearsal.conf"  # behind all letters: drop-ins are read by name, and the last word counts


def named(environment: Environment) -> tuple[str, ...]:
    """The paths of those that change the environment's units or journal, without the distribution's."""
    units = (environment.service, environment.socket)
    paths = {path for unit in units for path in of(environment.layout, unit).values()}
    directories = [environment.layout.root / parent / f"{environment.journal}.d" for parent in JOURNAL_PLACES]
    paths |= {*_files(directories).values()}
    own = environment.layout.root / OF_DISTRIBUTION
    return tuple(sorted(str(path) for path in paths if not path.is_relative_to(own)))


def of(layout: Layout, unit: str) -> dict[str, Path]:
    """The files that systemd reads behind a unit, by name, in the order in which it reads them."""
    return _files(_directories(layout, unit))


def _files(directories: Iterable[Path]) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for directory in directories:
        for path in sorted(directory.glob(f"*{SUFFIX}")):
            files.setdefault(path.name, path)
    return {name: files[name] for name in sorted(files) if not _is_empty(files[name])}


def _directories(layout: Layout, unit: str) -> Iterator[Path]:
    """A unit's own directories, those of all units whose names begin alike, then those of its type."""
    stem, _, kind = unit.rpartition(".")
    parts = stem.split("-")
    beginnings = ["-".join(parts[:count]) + "-" for count in range(len(parts) - 1, 0, -1)]
    for directory_ in PLACES:
        for name in (stem, *beginnings):
            yield layout.root / directory_ / f"{name}.{kind}.d"
    for directory_ in PLACES:
        yield layout.root / directory_ / f"{kind}.d"


def _is_empty(path: Path) -> bool:
    """Whether a file only takes another one of its name out of force, as a link to /dev/null does."""
    try:
        return not path.is_file() or not path.read_bytes()  # a pipe would be waited for
    except OSError:  # such as a link that leads nowhere
        return True


def for_rehearsal(
    layout: Layout, unit: str, rehearsed: str, last: str, replaced: dict[str, str]
) -> dict[Path, bytes]:
    """The drop-ins by which `rehearsed` is changed as `unit` is, and then by the text of `last`.

    They lie where systemd looks before it looks into /etc. What would change the rehearsal alone, since
    its name begins otherwise, is taken out of force.
    """
    target = directory(layout, rehearsed)
    own = of(layout, unit)
    others = {name for name in of(layout, rehearsed) if name != LAST}
    if not own and not others:
        return {}
    files = {target / name: b"" for name in others}
    for name, path in own.items():
        text = path.read_bytes().decode(errors="surrogateescape")
        for old, new in replaced.items():
            text = text.replace(old, new)
        files[target / name] = text.encode(errors="surrogateescape")
    return {**files, target / LAST: last.encode()}


def directory(layout: Layout, rehearsed: str) -> Path:
    """The directory for the drop-ins of a rehearsal's unit."""
    return layout.root / "run/systemd/system.control" / f"{rehearsed}.d"


def rehearsal_places(environment: Environment) -> tuple[Path, ...]:
    """All that a rehearsal puts down: its units, the directories of their drop-ins, a copy of the log."""
    units = environment.rehearsal_units
    directories = (directory(environment.layout, path.name) for path in units)
    return (*units, *directories, environment.log_copy)


def bridge_places(environment: Environment) -> tuple[Path, Path]:
    """All that a bridge puts down: its unit, and the directory of its drop-ins."""
    unit = environment.bridge_file
    return unit, directory(environment.layout, unit.name)
