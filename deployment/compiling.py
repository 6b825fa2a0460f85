"""Compile a share of the modules of a tree: `python -m deployment.compiling TREE TARGET SHARE SHARES`.

Python compiles in one thread. A process for each core takes a share.
"""

from __future__ import annotations

import contextlib
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .host import bytecode
from .run import run

ROOT = Path(__file__).parents[1]


def compile_tree(tree: Path, target: Path) -> None:
    """Write the byte code of all modules below `tree` to the same places below `target`.

    A module that does not compile gets none. Raises `DeployError`.
    """
    shares = os.cpu_count() or 1
    argv = [sys.executable, "-m", "deployment.compiling", str(tree), str(target)]

    def compiled(share: int) -> bytes:
        return run([*argv, str(share), str(shares)], cwd=ROOT, timeout=300)

    with ThreadPoolExecutor(shares) as pool:
        list(pool.map(compiled, range(shares)))


def compile_share(tree: Path, target: Path, share: int, shares: int) -> None:
    """Compile every module of one share, counted by name."""
    for path in sorted(tree.rglob("*.py"))[share::shares]:
        name = str(path.relative_to(tree))
        with contextlib.suppress(SyntaxError, ValueError):  # code for another version of Python
            bytecode.compile_file(path, name, target / bytecode.path_of(name))


if __name__ == "__main__":
    compile_share(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
