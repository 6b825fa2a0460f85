"""The releases, layers and unit files on the node's disk."""

from __future__ import annotations

import json
import math
import re
import stat
from collections.abc import Collection
from pathlib import Path

from ..records import verified_releases
from ..values.digests import sha256
from ..values.layout import Environment, Layout
from ..values.manifest import Manifest, id_of
from ..values.observed import ReleaseOnDisk

MANIFEST = "manifest.json"
RELEASE_NAME = re.compile(r"[0-9a-f]{12}(-dirty)?-[0-9a-f]{12}")


def read_manifest(environment: Environment, release: str | None) -> Manifest | None:
    """The manifest of a kept release; None when it is not kept or cannot be read."""
    return manifest_in(environment.releases / release) if release else None


def manifest_in(path: Path) -> Manifest | None:
    """The manifest in a release's directory; None when there is none that can be read."""
    try:
        return Manifest.from_json(json.loads((path / MANIFEST).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def command(environment: Environment, release: Manifest, *words: str) -> list[str]:
    """The argv that runs a program of a kept release, such as `services.event_log head`."""
    launcher = environment.releases / release.id / "run.py"
    return [f"/usr/bin/python{release.python}", "-IS", str(launcher), *words]


def on_disk(
    environment: Environment, examined: Collection[str | None] | None = None
) -> dict[str, ReleaseOnDisk]:
    """The releases on disk. One that cannot be read, or was edited, is not intact.

    Only the releases in `examined` are compared with their manifests; without it, all are.
    """
    releases_ = {}
    for name in names(environment):
        path = environment.releases / name
        manifest = read_manifest(environment, name)
        mark = verified_releases.read(environment, name)
        trusted = examined is not None and name not in examined
        releases_[name] = ReleaseOnDisk(
            intact=manifest is not None and (trusted or not drifted(path, manifest, name)),
            layer=manifest.layer if manifest else "",
            verified_at=mark.verified_at,
            projections=mark.projections,
        )
    return releases_


def names(environment: Environment) -> list[str]:
    """The ids of the releases on disk; what was left half-made bears another kind of name."""
    names_ = (path.name for path in _entries(environment.releases))
    return [name for name in names_ if RELEASE_NAME.fullmatch(name)]


def manifests(environment: Environment) -> list[Manifest]:
    """The manifests of the releases on disk, of those that can be read."""
    manifests_ = (read_manifest(environment, name) for name in names(environment))
    return [manifest for manifest in manifests_ if manifest is not None]


def previous(environment: Environment) -> str | None:
    """The release before the current one, of those that came up and are kept; `rollback` goes there.

    That is the one which it replaced, so that nobody comes to one that was rolled back from. Where that is
    gone, or was deployed anew since then, it is the newest of the older ones. A release that was made of
    another with the configuration of its day is no step back from it, nor are its siblings.
    """
    marks = {name: verified_releases.read(environment, name) for name in names(environment)}
    here = current(environment) or ""
    own = marks.get(here, verified_releases.Mark())
    kin = {here, own.origin} | {
        name for name, mark in marks.items() if mark.origin in (here, own.origin or here)
    }
    latest = own.verified_at or math.inf
    older = {name: mark.verified_at for name, mark in marks.items() if 0 < mark.verified_at < latest}
    chosen = {name: when for name, when in older.items() if name not in kin}
    if own.before in chosen:
        return own.before
    return max(chosen, key=lambda name: chosen[name]) if chosen else None


def drifted(path: Path, manifest: Manifest, name: str) -> list[str]:
    """The files of release `name` in `path` that are not what its manifest says: edited, or gone."""
    wrong = [file for file, digest in manifest.files.items() if _digest(path / file) != digest]
    if not manifest.id == _id_in(path) == name:
        wrong.append(MANIFEST)
    return wrong


def _id_in(path: Path) -> str:
    """The id that the manifest of a release must bear, from all that it holds."""
    return id_of(json.loads((path / MANIFEST).read_bytes()))


def current(environment: Environment) -> str | None:
    """The release that `current` points to."""
    link = environment.current
    return link.readlink().name if link.is_symlink() else None


def is_deployed(environment: Environment) -> bool:
    """Whether a release of the environment lies on the node."""
    return current(environment) is not None or bool(names(environment))


def unit_files(environment: Environment) -> dict[str, str]:
    """The environment's unit files that a deploy has installed, with their digests."""
    strange = strange_units(environment)
    paths = {
        name: environment.layout.unit_file(name) for name in environment.unit_names if name not in strange
    }
    digests = ((name, _digest(path)) for name, path in paths.items())
    return {name: digest for name, digest in digests if digest is not None}


def strange_units(environment: Environment) -> tuple[str, ...]:
    """The unit files of the environment's names that no deploy has made. Those of a deployed one are ours."""
    if is_deployed(environment):
        return ()
    marks = {
        environment.socket: f"Description=Helionyx {environment.name}: the socket",
        environment.service: f"{environment.current}/",
        environment.shutdown: f"Description=Helionyx {environment.name}: the limit",
        environment.journal: f"# The journal of Helionyx {environment.name}",
        environment.tls_service: f"Description=Helionyx {environment.name}: the copy of the certificate",
        environment.tls_path: f"Description=Helionyx {environment.name}: changes of the certificate",
    }
    there = (name for name in environment.unit_names if _is_there(environment.layout.unit_file(name)))
    return tuple(name for name in there if marks[name] not in _text(environment.layout.unit_file(name)))


def _is_there(path: Path) -> bool:
    return path.is_symlink() or path.exists()


def _text(path: Path) -> str:
    """The text of a unit file; empty for what is none, such as a directory or a link that leads nowhere."""
    try:
        return path.read_bytes().decode(errors="replace")
    except OSError:
        return ""


def layers(layout: Layout) -> tuple[str, ...]:
    """The digests of the layers that lie here, whole."""
    return tuple(path.name for path in _entries(layout.layers) if re.fullmatch(r"[0-9a-f]{64}", path.name))


def layers_used(layout: Layout, without: Environment | None = None) -> set[str]:
    """The layers that some kept release needs; `without` leaves one environment's releases aside."""
    return {
        manifest.layer
        for environment in layout.environments
        if environment != without
        for manifest in manifests(environment)
    }


def is_right(path: Path, owner: int | None, mode: int) -> bool:
    """Whether a directory is there with that owner and mode."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == owner and stat.S_IMODE(status.st_mode) == mode


def _digest(path: Path) -> str | None:
    try:
        return sha256(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None


def _entries(path: Path) -> list[Path]:
    return sorted(path.iterdir()) if path.is_dir() else []
