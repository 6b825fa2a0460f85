"""The host halves that are kept on the node: compiled, so that each is sent and compiled once.

/opt/helionyx/host/<digest of its modules>.<Python>.pyz holds the modules, their byte code, and in its last
64 bytes the SHA-256 of all before. `BOOTSTRAP` in deployment/remote/program.py runs the file if that digest
is right and only root can write it.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from ..node.files import publish, sweep
from ..node.reserve import FULL
from ..records.locks import host_lock
from ..values.errors import StepFailed
from ..values.layout import Layout
from . import zipapp
from .bytecode import compiled_modules

KEPT = 6  # host halves that stay on the node: those that were used last


def keep(layout: Layout, program: Path) -> Path:
    """Return the kept file of the program that runs; one that was sent is kept first, compiled.

    Raises `StepFailed`, also where the kept file has just been dropped.
    """
    try:
        with host_lock(layout):  # two environments may be changed at once
            if program.parent == layout.host_halves:
                os.utime(program)
                return program
            return _keep(layout, program)
    except OSError as error:
        raise StepFailed(f"the host half cannot be stored: {error.strerror}: {error.filename}.") from error


def _keep(layout: Layout, program: Path) -> Path:
    import zipfile  # seldom needed: each half is kept once

    with zipfile.ZipFile(program) as sent:
        files = {name: sent.read(name) for name in sent.namelist()}
    sources = {name: content for name, content in files.items() if name.endswith(".py")}
    path = layout.host_halves / f"{zipapp.digest(sources)}.{sys.implementation.cache_tag}.pyz"
    content = _packed(files if files != sources else {**sources, **compiled_modules(sources)})
    try:
        return _publish(path, content)
    except OSError as error:
        if error.errno not in FULL:
            raise
        return _publish(layout.locks / path.name, content)  # in memory: sent again after this change


def _publish(path: Path, content: bytes) -> Path:
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    publish(path, content, 0o644, ())
    _forget_older(path)
    return path


def _packed(files: Mapping[str, bytes]) -> bytes:
    """Return the contents of a kept half. The sources stay in it, for tracebacks."""
    import zipfile

    padding = b"0" * 64  # a comment is the end of a zip file
    content = zipapp.pack(files, zipfile.ZIP_STORED, padding).removesuffix(padding)
    return content + hashlib.sha256(content).hexdigest().encode()


def _forget_older(newest: Path) -> None:
    sweep(newest.parent)
    halves = sorted(newest.parent.glob("*.pyz"), key=lambda path: path.stat().st_mtime)
    for old in halves[:-KEPT]:
        old.unlink(missing_ok=True)
