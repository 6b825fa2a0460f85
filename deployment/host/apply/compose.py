"""A release made on the node: code and dependencies of a kept one, with the configuration that runs."""

from __future__ import annotations

import io
import tarfile
from dataclasses import replace
from pathlib import Path

from ..node import shares
from ..records import record
from ..releases import releases
from ..values.digests import sha256
from ..values.errors import Refused
from ..values.layout import Environment
from ..values.manifest import Manifest
from . import verify


def manifest(environment: Environment, earlier: str) -> Manifest:
    """Make the manifest of the new release.

    Raises `Refused` if the kept release is not whole, or its code refuses the configuration that runs.
    """
    old = _manifest(environment, earlier)
    content = _running(environment)
    root = environment.releases / old.id
    if releases.drifted(root, old, old.id):
        raise Refused(
            f"release {old.id} was edited on the node and is not what it was.",
            f"git switch --detach {old.commit[:12]}, then make deploy ENV={environment.name}",
        )
    if not (environment.layout.layers / old.layer).is_dir():
        raise Refused(f"the dependencies of release {old.id} are gone.", "deploy its commit once more")
    new = _configured(environment, old, content)
    units = _units(root, environment, old, new)
    changed = {f".env.{environment.name}": content} | {f"units/{name}": data for name, data in units.items()}
    new = replace(
        new,
        files={**old.files, **{path: sha256(data) for path, data in changed.items()}},
        units={name: sha256(data) for name, data in units.items()},
    )
    return replace(new, id=new.expected_id)


def _configured(environment: Environment, old: Manifest, content: bytes) -> Manifest:
    """The manifest with the facts that the release's own code reads from the configuration."""
    read = verify.ask_configuration(environment, old, content)
    if read.problems:
        raise Refused(
            f"release {old.id} does not accept the configuration that runs.",
            "without CONFIG=current it comes back with its own",
            read.problems,
        )
    new = replace(old, config=read.facts, digests=read.digests)
    if new.certificate != old.certificate:  # its units name the files
        raise Refused(
            f"release {old.id} is for {_https(old)}, and the configuration that runs for {_https(new)}.",
            f"git switch --detach {old.commit[:12]}, then make deploy ENV={environment.name}",
        )
    return new


def _https(release: Manifest) -> str:
    return f"HTTPS with {release.certificate[0]}" if release.certificate else "no HTTPS"


def stage(environment: Environment, earlier: str, new: Manifest, staged: Path) -> None:
    """Write its archive, as the operator's half would have sent it."""
    old = _manifest(environment, earlier)
    root = environment.releases / old.id
    units = _units(root, environment, old, new)
    changed = {f".env.{environment.name}": _running(environment), releases.MANIFEST: new.text}
    changed |= {f"units/{name}": data for name, data in units.items()}
    with (
        open(staged / "release.tar.gz", "wb", opener=record.private) as file,
        tarfile.open(fileobj=file, mode="w:gz") as archive,
    ):
        for name in (*new.files, releases.MANIFEST):
            data = changed[name] if name in changed else (root / name).read_bytes()
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(data), (root / name).stat().st_mode & 0o777
            archive.addfile(member, io.BytesIO(data))


def _manifest(environment: Environment, name: str) -> Manifest:
    manifest_ = releases.read_manifest(environment, name)
    if manifest_ is None:
        raise Refused(f"the manifest of release {name} cannot be read.", "deploy its commit once more")
    return manifest_


def _running(environment: Environment) -> bytes:
    path = environment.current / f".env.{environment.name}"
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise Refused(
            f"there is no configuration that runs: {path} is gone.",
            "without CONFIG=current the release comes back with its own",
        ) from None


def _units(root: Path, environment: Environment, old: Manifest, new: Manifest) -> dict[str, bytes]:
    """The old release's own units; of the configuration they hold the address and the shares alone."""
    units = {name: (root / "units" / name).read_bytes() for name in old.units}
    line, new_line = f"ListenStream={old.listen}\n".encode(), f"ListenStream={new.listen}\n".encode()
    service = shares.renewed(units[environment.service].decode(), shares.of(environment, new.config))
    return units | {
        environment.socket: units[environment.socket].replace(line, new_line),
        environment.service: service.encode(),
    }
