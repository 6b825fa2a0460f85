"""The disk of a virtual machine: a sparse copy of the image, with the files of this node."""

import tempfile
from pathlib import Path

import node1.disk as disk
from node1.error import Node1Error
from node1.record import Record
from node1.run import run
from node1.vm.image import DISK

COPY_SECONDS = 300


def make(record: Record, image: Path) -> None:
    """Copy the image, unless the node has its disk already."""
    path = record.disk / DISK
    if path.exists():
        return
    record.disk.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    run(["cp", "--reflink=auto", "--sparse=always", image, unfinished], timeout=COPY_SECONDS)
    _write(unfinished, disk.own_files(record))
    unfinished.rename(path)


def _write(image: Path, files: dict[str, tuple[int, str]]) -> None:
    """Write files into a file system that is not mounted, as root's."""
    with tempfile.TemporaryDirectory(prefix="files-", dir=image.parent) as sources:
        commands = []
        for number, (name, (mode, text)) in enumerate(files.items()):
            (Path(sources) / str(number)).write_text(text)
            directory, _, base_name = f"/{name}".rpartition("/")
            commands += [f"cd {directory or '/'}", f"rm {base_name}", f"write {number} {base_name}"]
            commands += [
                f"sif {base_name} {field}" for field in (f"mode 0{0o100000 | mode:o}", "uid 0", "gid 0")
            ]
        done = run(["debugfs", "-w", "-f", "-", image], stdin="\n".join(commands) + "\n", cwd=Path(sources))
    # It ends with 0 whatever happens. That a file to remove is not there is no error.
    complaints = [line for line in done.stderr.splitlines() if line and not _is_harmless(line)]
    if complaints:
        raise Node1Error(f"debugfs cannot write into {image}: {complaints[0]}")


def _is_harmless(line: str) -> bool:
    return line.startswith(("debugfs ", "rm: File not found"))
