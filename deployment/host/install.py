"""Laying things down so that a kill at any instant leaves either the old or the new, never half."""

from __future__ import annotations

import compileall
import os
import py_compile
import tarfile
from pathlib import Path

from .errors import StepFailed
from .files import discard, settle, sweep
from .layout import Environment, Layout
from .locks import host_lock
from .releases import drifted, manifest_in
from .run import run

LAYER = "layer"  # the link inside a release to its dependencies


def layer(layout: Layout, staged: Path, digest: str) -> str:
    """Unpack and compile the staged layer. Raises `StepFailed` when it is not there or not whole."""
    with host_lock(layout):
        final = layout.layers / digest
        if final.is_dir():
            return "another environment brought it"
        half = _unpacked(staged / "layer.tar.gz", final)
        _compile(half, final)
        _finish(half, final)
    return f"{sum(1 for path in final.rglob('*') if path.is_file())} files"


def release(layout: Layout, environment: Environment, staged: Path, name: str) -> str:
    """Unpack, compile and check the staged release."""
    final = layout.releases(environment) / name
    half = _unpacked(staged / "release.tar.gz", final)
    manifest = manifest_in(half)
    if manifest is None or (wrong := drifted(half, manifest, name)):
        found = "no manifest" if manifest is None else ", ".join(wrong)
        raise StepFailed(f"what was sent is not release {name}: {found} differs.")
    (half / LAYER).symlink_to(Path("../../../layers") / manifest.layer)
    if not _compile(half / "services", final / "services"):
        raise StepFailed(f"release {name} has code that does not compile.", details=_faults(half))
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


def _unpacked(blob: Path, final: Path) -> Path:
    if not blob.exists():
        raise StepFailed(f"{blob.name} was not sent, but {final} needs it.", "deploy once more")
    sweep(final.parent)
    half = final.with_name(f".{final.name}.half")
    half.mkdir(mode=0o755, parents=True)
    with tarfile.open(blob, "r:gz") as archive:
        if not unpack_is_safe(archive):
            raise StepFailed(f"{blob.name} holds links, devices or paths that lead outside.")
        archive.extractall(half, numeric_owner=True)  # noqa: S202  checked above
    return half


def _compile(tree: Path, final: Path) -> bool:
    """Byte code that is trusted without a look at its source: the tree is read-only from here on.

    Whether all of it compiled; in a layer some files may not, such as those for other versions of Python.
    """
    return bool(
        compileall.compile_dir(
            str(tree),
            stripdir=str(tree),
            prependdir=str(final),
            quiet=2,
            # Commands show their docstrings, the service runs without them. The stubs know one level only.
            optimize=[0, 2],  # type: ignore[arg-type]
            hardlink_dupes=True,
            workers=os.cpu_count() or 1,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
    )


def _faults(tree: Path) -> tuple[str, ...]:
    """Where the code of a release does not compile, and why."""
    found = []
    for path in sorted((tree / "services").rglob("*.py")):
        try:
            compile(path.read_bytes(), str(path), "exec")
        except (SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", "?")
            found.append(f"{path.relative_to(tree)}:{line}: {getattr(error, 'msg', error)}")
    return tuple(found)


def _finish(half: Path, final: Path) -> None:
    run(["sync", "--file-system", str(half)])
    if final.exists():
        discard(final)
    half.rename(final)
    settle(final.parent)
