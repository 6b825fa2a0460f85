"""Variants of a release's service unit, in /run: for its rehearsal, for its acceptance, and for a bridge."""

from __future__ import annotations

import shutil
from pathlib import Path

from ..node import dropins, systemd
from ..node.files import publish
from ..values.layout import Environment
from ..values.manifest import Manifest


def units(
    environment: Environment, release: Manifest, unit: Path, replaced: dict[str, str], differences: str
) -> dict[Path, bytes]:
    """The file of a variant and its drop-ins: the service unit, its text replaced, and the differences.

    It starts the release itself, and not the current one.
    """
    root = environment.releases / release.id
    text = (root / "units" / environment.service).read_text()
    replaced = {**replaced, f"{environment.current}/": f"{root}/"}
    for old, new in replaced.items():
        text = text.replace(old, new)
    changed = dropins.for_rehearsal(environment.layout, environment.service, unit.name, differences, replaced)
    return {unit: (text + differences).encode(), **changed}


def install(files: dict[Path, bytes], *units: Path) -> None:
    """Write the files of variants, and let systemd read these `units` again where it knows earlier ones.

    It finds a new unit file by itself. A reload takes as long as the other steps of a rehearsal.
    """
    for path, content in files.items():
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        is_dropin = path.suffix == dropins.SUFFIX  # which may hold a secret, as the one that it is a copy of
        publish(path, content, 0o600 if is_dropin else 0o644, ())
    if any(unit.stale for unit in systemd.show([path.name for path in units]).values()):
        systemd.systemctl("daemon-reload")


def remove(environment: Environment, *units: Path) -> None:
    """Remove the files of units and their drop-ins."""
    for path in units:
        path.unlink(missing_ok=True)
        shutil.rmtree(dropins.directory(environment.layout, path.name), ignore_errors=True)
