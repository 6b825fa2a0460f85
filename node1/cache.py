"""The cache of what nodes are made from: each built once, by one builder, and whole or not at all."""

import shutil
import tempfile
from collections.abc import Callable, Collection
from pathlib import Path

from node1.error import Node1Error
from node1.host import Progress, install
from node1.lock import locked
from node1.run import run

BUILD_SECONDS = 900


def ensure(
    path: Path,
    build: Callable[[Path, Progress], None],
    progress: Progress,
    *,
    is_current: bool,
    tools: dict[str, str],
    used: Collection[str],
) -> Path:
    """The directory `path` of the cache, built now if it is the current recipe's and is not there yet.

    A build makes room: it removes what older recipes of the kind made, but for that `used` by some node.
    """
    if path.is_dir():
        return path
    if not is_current:
        hint = "the recipe has changed since: python -m node1 down, then up, makes a new node"
        raise Node1Error(f"the base {path} of this node is gone", hint)
    with locked(path.parent / "lock", timeout=BUILD_SECONDS):
        if not path.is_dir():
            install(progress, tools)
            _build(path, build, progress)
            _prune(path, {path.name, *used})
    return path


def _build(path: Path, build: Callable[[Path, Progress], None], progress: Progress) -> None:
    cache = path.parent
    cache.chmod(0o700)  # set-user-id programs of old releases are not for the users of this machine
    # Builders die with whoever started them: under the lock, what lies here is nobody's any more.
    for stale in cache.glob("building-*"):
        shutil.rmtree(stale)
    with tempfile.TemporaryDirectory(prefix="building-", dir=cache) as temporary:
        result = Path(temporary, "root")
        build(result, progress)
        run(["sync", "--file-system", result])
        result.rename(path)


def _prune(built: Path, in_use: Collection[str]) -> None:
    for path in built.parent.iterdir():
        if path.is_dir() and path.name not in in_use and kind_of(path.name) == kind_of(built.name):
            shutil.rmtree(path)


def kind_of(name: str) -> str:
    """The kind of something in the cache: the part of its name before the digest."""
    return name.rpartition("-")[0]
