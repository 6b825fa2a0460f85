"""Make the image of a virtual machine: `fakeroot python -m node1.vm.pack ARCHIVE DIRECTORY`."""

import os
import shutil
import sys
from pathlib import Path

import node1.base as base
from node1.run import run
from node1.vm.image import DISK, FILES, GIGABYTES, KERNEL, LINKS, MASKED

FAKEROOT = ("FAKEROOTKEY", "LD_LIBRARY_PATH", "LD_PRELOAD")
"""The variables by which fakeroot reaches the programs that are started from here."""


def main(arguments: list[str]) -> int:
    """Write the kernel and the image into a directory."""
    archive, directory = map(Path, arguments)
    env = {name: os.environ[name] for name in FAKEROOT if name in os.environ}
    tree = directory / "tree"
    tree.mkdir(mode=0o755)
    # The kernel makes the devices itself, and nobody but root may do it here.
    run(["tar", "-xf", archive, "-C", tree, "--exclude=./dev/*"], env=env, timeout=300)
    base.customize(tree, FILES, MASKED)
    for name, target in LINKS.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).symlink_to(target)
    (kernel,) = (tree / "boot").glob("vmlinuz-*")
    shutil.copyfile(kernel, directory / KERNEL)
    image = directory / DISK
    with image.open("wb") as file:
        file.truncate(GIGABYTES << 30)
    run(["mke2fs", "-q", "-F", "-t", "ext4", "-d", tree, image], env=env, timeout=300)
    shutil.rmtree(tree)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
