"""Laying things down so that a kill at any instant leaves either the old or the new, never half."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..node.files import discard, settle, sweep
from ..node.run import run
from ..records.locks import host_lock
from ..values.errors import StepFailed
from ..values.layout import Environment, Layout
from . import bytecode
from .releases import drifted, manifest_in

if TYPE_CHECKING:
    import tarfile

CHUNK = 1 << 16
BUFFER = 1 << 18  # bytes of an archive that are unpacked at a time
LAYER = "layer"  # the link inside a release to its dependencies; it leads there in the sandbox, too


def layer(layout: Layout, staged: Path, digest: str) -> str:
    """Unpack and compile the staged layer. Raises `StepFailed` when it is not there or not whole."""
    with host_lock(layout):
        final = layout.layers / digest
        if final.is_dir():
            return "another environment brought it"
        with _half_made(final) as half:
            count = _unpack_all(staged / "layer.tar.gz", half)
            _compile(half)  # not all files compile: some are for other Python versions
            _finish(half, final)
    return f"{count} files"


def release(environment: Environment, staged: Path, name: str) -> str:
    """Unpack, compile and check the staged release."""
    final = environment.releases / name
    with _half_made(final) as half:
        _unpack_all(staged / "release.tar.gz", half)
        return f"{_checked(environment, half, final)} files"


def _checked(environment: Environment, half: Path, final: Path) -> int:
    """Check, compile and put in place what was unpacked; returns the number of files of the release."""
    manifest, name = manifest_in(half), final.name
    if manifest is None or (wrong := drifted(half, manifest, name)):
        differing = "no manifest" if manifest is None else ", ".join(wrong)
        raise StepFailed(f"the upload is not release {name}: {differing} differs.")
    (half / LAYER).symlink_to(environment.layout.layers / manifest.layer)
    _reuse(environment.current, half)
    (half / bytecode.FORM_NAME).write_text(bytecode.FORM)
    if faults := _compile(half, "services"):
        raise StepFailed(f"release {name} has code that does not compile.", details=tuple(faults))
    with host_lock(environment.layout):  # nobody prunes the layer between this look and the link to it
        if not (environment.layout.layers / manifest.layer).is_dir():
            raise StepFailed(f"layer {manifest.layer[:12]} has just been pruned.", "deploy once more")
        _finish(half, final)
    return len(manifest.files)


@contextlib.contextmanager
def _half_made(final: Path) -> Iterator[Path]:
    """A directory beside `final` to make it in. Nothing of it stays if that fails."""
    sweep(final.parent)
    half = final.with_name(f".{final.name}.half")
    half.mkdir(mode=0o755, parents=True)
    try:
        yield half
    except BaseException:
        shutil.rmtree(half, ignore_errors=True)
        raise


def _unpack_all(blob: Path, half: Path) -> int:
    """Unpack what was sent; returns the number of files. Raises `StepFailed`."""
    import gzip  # seldom needed, and every caller waits for imports
    import tarfile
    import zlib

    if not blob.exists():
        raise StepFailed(f"{blob.name} was not sent, but {half.parent} needs it.", "deploy once more")
    count, directories = 0, {str(half)}
    try:
        # In one pass: looking through it first doubles the time.
        with (
            gzip.open(blob) as unpacked,
            tarfile.open(fileobj=unpacked, mode="r|", bufsize=BUFFER) as archive,
        ):
            for member in archive:
                _unpack(archive, member, half, directories)
                count += 1
            while unpacked.read(CHUNK):  # its checksum stands at the end
                pass
    except (tarfile.TarError, EOFError, ValueError, zlib.error, gzip.BadGzipFile) as error:
        raise StepFailed(f"{blob.name} cannot be unpacked: {error}.", "deploy once more") from error
    return count


def _unpack(archive: tarfile.TarFile, member: tarfile.TarInfo, root: Path, directories: set[str]) -> None:
    """Write a plain file, as a new one of root's. Raises `StepFailed`.

    `directories` are those that exist.
    """
    parts = member.name.split("/")
    content = archive.extractfile(member) if member.isfile() else None
    if content is None or ".." in parts or "" in parts:
        raise StepFailed(f"{member.name!r} in the upload is a link, a device or a path that leads outside.")
    path = f"{root}/{member.name}"
    parent = os.path.dirname(path)  # noqa: PTH120  two thousand times: no Path
    if parent not in directories:
        os.makedirs(parent, exist_ok=True)  # noqa: PTH103
        directories.add(parent)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content.read())
        os.fchmod(descriptor, member.mode & 0o777)


def _reuse(earlier: Path, half: Path) -> None:
    """Copy the byte code of each module whose source an earlier release has too: compiling takes longer."""
    form = earlier / bytecode.FORM_NAME
    if not form.exists() or form.read_text() != bytecode.FORM:
        return
    for path in (half / "services").rglob("*.py"):
        name = bytecode.path_of(str(path.relative_to(half)))
        content = (earlier / name).read_bytes() if (earlier / name).exists() else b""
        if content.startswith(bytecode.header(path.read_bytes())):
            (half / name).parent.mkdir(exist_ok=True)
            (half / name).write_bytes(content)


def _compile(root: Path, below: str = ".") -> list[str]:
    """Compile the modules without byte code; returns the faults of what does not compile.

    Tracebacks show the path by which a file is imported.
    """
    faults = []
    for path in sorted((root / below).rglob("*.py")):
        name, target = str(path.relative_to(root)), Path(bytecode.path_of(str(path)))
        if target.exists():
            continue
        try:
            bytecode.compile_file(path, name, target)
        except (SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", "?")
            faults.append(f"{name}:{line}: {getattr(error, 'msg', error)}")
    return faults


def _finish(half: Path, final: Path) -> None:
    run(["sync", "--file-system", str(half)])
    if final.exists():
        discard(final)
    half.rename(final)
    settle(final.parent)
