"""Compile a share of the modules of a tree: `python -m deployment.build.compiling TREE SHARE SHARES`.

Python compiles in one thread. A process for each core takes a share and writes it to standard output, as
a list of (path, byte code) in the form of `marshal`: that is faster than hundreds of files.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..host.releases import bytecode
from ..run import run

ROOT = Path(__file__).parents[2]


def compile_tree(tree: Path) -> dict[str, bytes]:
    """Return the byte code of all modules below `tree`, by its path. Raises `DeployError`.

    A module that does not compile has none.
    """
    shares = os.cpu_count() or 1
    argv = [sys.executable, "-m", "deployment.build.compiling", str(tree)]

    def compiled(share: int) -> list[tuple[str, bytes]]:
        output = run([*argv, str(share), str(shares)], cwd=ROOT, timeout=300)
        return marshal.loads(output)  # type: ignore[no-any-return]  # noqa: S302  our own program wrote it

    with ThreadPoolExecutor(shares) as pool:
        return {path: content for share in pool.map(compiled, range(shares)) for path, content in share}


def compile_share(tree: Path, share: int, shares: int) -> list[tuple[str, bytes]]:
    """Return the path and the byte code of every module of one share. All shares take about the same time."""
    compiled = []
    for path in sorted(tree.rglob("*.py"), key=lambda path: (path.stat().st_size, path))[share::shares]:
        name = str(path.relative_to(tree))
        with contextlib.suppress(SyntaxError, ValueError):  # code for another version of Python
            compiled.append((bytecode.path_of(name), bytecode.compiled(path.read_bytes(), name)))
    return compiled


if __name__ == "__main__":
    marshal.dump(compile_share(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])), sys.stdout.buffer)
