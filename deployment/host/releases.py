"""What lies on the node's disk: releases, layers, unit files."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path

from .model import Environment, Kept, Layout, Manifest, sha256

MANIFEST = "manifest.json"
RELEASE_NAME = re.compile(r"[0-9a-f]{12}(-dirty)?-[0-9a-f]{12}")


def read_manifest(layout: Layout, environment: Environment, release: str | None) -> Manifest | None:
    """The manifest of a kept release; None when it is not kept or cannot be read."""
    if release is None:
        return None
    try:
        text = (layout.releases(environment) / release / MANIFEST).read_bytes()
        return Manifest.from_json(json.loads(text))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def kept(layout: Layout, environment: Environment) -> dict[str, Kept]:
    """The releases on disk. One that cannot be read, or was edited, is not intact."""
    found = {}
    for name in names(layout, environment):
        path = layout.releases(environment) / name
        manifest = read_manifest(layout, environment, name)
        mark = layout.verified(environment) / name
        found[name] = Kept(
            intact=manifest is not None and not drifted(path, manifest),
            layer=manifest.layer if manifest else "",
            verified_at=mark.stat().st_mtime if mark.exists() else 0.0,
        )
    return found


def names(layout: Layout, environment: Environment) -> list[str]:
    """The ids of the releases on disk; what was left half-made bears another kind of name."""
    found = (path.name for path in _entries(layout.releases(environment)))
    return [name for name in found if RELEASE_NAME.fullmatch(name)]


def drifted(path: Path, manifest: Manifest) -> list[str]:
    """The files of a release that are not what its manifest says: edited, or gone."""
    wrong = [name for name, digest in manifest.files.items() if _digest(path / name) != digest]
    if manifest.expected_id != path.name:
        wrong.append(MANIFEST)
    return wrong


def current(layout: Layout, environment: Environment) -> str | None:
    """The release that `current` points to."""
    link = layout.current(environment)
    return link.readlink().name if link.is_symlink() else None


def unit_files(layout: Layout, environment: Environment) -> dict[str, str]:
    """The environment's unit files that are installed, with their digests."""
    names = (environment.socket, environment.service, environment.journal)
    digests = ((name, _digest(layout.unit_file(name))) for name in names)
    return {name: digest for name, digest in digests if digest is not None}


def layers(layout: Layout) -> tuple[str, ...]:
    """The digests of the layers that lie here, whole."""
    return tuple(path.name for path in _entries(layout.layers) if re.fullmatch(r"[0-9a-f]{64}", path.name))


def is_right(path: Path, owner: int | None, mode: int) -> bool:
    """Whether a directory is there with that owner and mode."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == owner and stat.S_IMODE(found.st_mode) == mode


def _digest(path: Path) -> str | None:
    try:
        return sha256(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None


def _entries(path: Path) -> list[Path]:
    return sorted(path.iterdir()) if path.is_dir() else []
