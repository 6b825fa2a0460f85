"""Laying things down so that a kill at any instant leaves either the old or the new, never half."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from . import bytecode
from .errors import StepFailed
from .files import discard, settle, sweep
from .layout import Environment, Layout
from .locks import host_lock
from .releases import drifted, manifest_in
from .run import run

if TYPE_CHECKING:
    import tarfile

LAYER = "layer"  # the link inside a release to its dependencies


def layer(layout: Layout, staged: Path, digest: str) -> str:
    """Unpack and compile the staged layer. Raises `StepFailed` when it is not there or not whole."""
    with host_lock(layout):
        final = layout.layers / digest
        if final.is_dir():
            return "another environment brought it"
        half, count = _unpacked(staged / "layer.tar.gz", final)
        _compile(half, missing=True)  # some files do not: they are for other versions of Python
        _finish(half, final)
    return f"{count} files"


def release(layout: Layout, environment: Environment, staged: Path, name: str) -> str:
    """Unpack, compile and check the staged release."""
    final = layout.releases(environment) / name
    half, _ = _unpacked(staged / "release.tar.gz", final)
    manifest = manifest_in(half)
    if manifest is None or (wrong := drifted(half, manifest, name)):
        found = "no manifest" if manifest is None else ", ".join(wrong)
        raise StepFailed(f"what was sent is not release {name}: {found} differs.")
    (half / LAYER).symlink_to(Path("../../../layers") / manifest.layer)
    if faults := _compile(half, "services"):
        raise StepFailed(f"release {name} has code that does not compile.", details=tuple(faults))
    with host_lock(layout):  # nobody prunes the layer between this look and the link to it
        if not (layout.layers / manifest.layer).is_dir():
            raise StepFailed(f"layer {manifest.layer[:12]} has just been pruned.", "deploy once more")
        _finish(half, final)
    return f"{len(manifest.files)} files"


def unpack_is_safe(archive: tarfile.TarFile) -> bool:
    """Whether every member is a plain file or directory that stays below where it is unpacked."""
    return all(
        (member.isfile() or member.isdir())
        and not member.name.startswith("/")
        and ".." not in member.name.split("/")
        for member in archive.getmembers()
    )


def _unpacked(blob: Path, final: Path) -> tuple[Path, int]:
    """Unpack what was sent; returns where, and the number of files."""
    import tarfile  # seldom needed, and every caller waits for imports

    if not blob.exists():
        raise StepFailed(f"{blob.name} was not sent, but {final} needs it.", "deploy once more")
    sweep(final.parent)
    half = final.with_name(f".{final.name}.half")
    half.mkdir(mode=0o755, parents=True)
    with tarfile.open(blob, "r:gz") as archive:
        if not unpack_is_safe(archive):
            raise StepFailed(f"{blob.name} holds links, devices or paths that lead outside.")
        archive.extractall(half, numeric_owner=True)  # noqa: S202  checked above
        return half, sum(1 for member in archive.getmembers() if member.isfile())


def _compile(root: Path, below: str = ".", *, missing: bool = False) -> list[str]:
    """Compile the modules, or those without byte code; returns the faults of what does not compile.

    Tracebacks show the path by which a file is imported.
    """
    faults = []
    for path in sorted((root / below).rglob("*.py")):
        name, target = str(path.relative_to(root)), Path(bytecode.path_of(str(path)))
        if missing and target.exists():
            continue
        try:
            content = bytecode.compiled(path.read_bytes(), name)
        except (SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", "?")
            faults.append(f"{name}:{line}: {getattr(error, 'msg', error)}")
            continue
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(content)
    return faults


def _finish(half: Path, final: Path) -> None:
    run(["sync", "--file-system", str(half)])
    if final.exists():
        discard(final)
    half.rename(final)
    settle(final.parent)
