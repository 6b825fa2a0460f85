"""The disk of a node that was shut down in good order, as a read-only layer that new nodes boot over.

A snapshot is a directory: `layer` holds what the node had written, `base` the name of the base root below it.
Where that node was booted over a snapshot itself, `below` links to that one.
"""

import shutil
from pathlib import Path

from node1.error import Node1Error
from node1.record import Record
from node1.run import run

LAYER = "layer"
BASE = "base"
BELOW = "below"
LINK = "snapshot"  # in the disk of a node that was booted over one
COPY_SECONDS = 300


def take(record: Record, directory: Path) -> None:
    """Copy the disk of a node that does not run to `directory`."""
    if directory.exists():
        raise Node1Error(f"{directory} is there already", "name another directory")
    unfinished = directory.with_name(f".{directory.name}.new")
    if unfinished.exists():
        shutil.rmtree(unfinished)
    unfinished.mkdir(mode=0o700, parents=True)
    (unfinished / BASE).write_text(record.base)
    if (record.disk / LINK).is_symlink():
        (unfinished / BELOW).symlink_to((record.disk / LINK).readlink())
    # An archive copy keeps the attributes by which an overlay knows what was deleted or replaced.
    run(["cp", "--archive", record.disk / "upper", unfinished / LAYER], timeout=COPY_SECONDS)
    unfinished.rename(directory)


def lay_under(disk: Path, directory: Path) -> str:
    """Link the new disk to the snapshot in `directory`; returns the name of the base root below it."""
    try:
        base = (directory / BASE).read_text()
    except FileNotFoundError:
        raise Node1Error(f"there is no snapshot in {directory}") from None
    disk.mkdir(parents=True)
    (disk / LINK).symlink_to(directory)
    return base


def lower_layers(disk: Path, base: Path) -> str:
    """The lower layers of the overlay that is mounted from within `disk`, the uppermost first."""
    layers, snapshot = [], Path(LINK)
    while (disk / snapshot).is_symlink():
        # By the links' names: a comma or a colon in the directory's own would end the option.
        layers.append(str(snapshot / LAYER))
        snapshot /= BELOW
    return ":".join([*layers, str(base)])
