"""A node whose disk is small, and what fills it."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .operator import LIMIT, Operator

MEGABYTES = 320  # room for five releases, the reserves, and what a restore wants to be spare


@contextmanager
def small_disk(directory: Path, megabytes: int = MEGABYTES) -> Iterator[Path]:
    """A file system of its own in `directory`, for all that a node writes."""
    directory.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", str(directory)]
    subprocess.run(mount, check=True, timeout=LIMIT)
    try:
        yield directory
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True, timeout=LIMIT)


@contextmanager
def filled(operator: Operator, words: str = "", *, kept: bool) -> Iterator[subprocess.Popen[str]]:
    """The disk of the node is full from the moment when the next record says `words`, or at once."""
    ssh = operator.node.ssh_command()
    program = (Path(__file__).parent / "filler.py").read_text()
    how = "kept" if kept else "once"
    command = [*ssh, shlex.join(["python3", "-c", program, words, how])]
    filler = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert filler.stdin is not None
    assert filler.stdout is not None
    try:
        assert filler.stdout.readline() == "waiting\n"
        if not words:
            assert filler.stdout.readline() == "full\n"
        yield filler
    finally:
        filler.stdin.close()
        more = filler.stdout.read()
        filler.stdout.close()
        filler.wait(LIMIT)
    assert not words or more == "full\n", f"no record said {words}"
