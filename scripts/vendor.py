"""Fetch the libraries of the pages from the npm registry, and check them by their hashes.

`python -m scripts.vendor` writes them into services/web/static/; `--check` compares what is there. Nothing is
fetched at run time.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import NamedTuple

STATIC = Path(__file__).resolve().parent.parent / "services" / "web" / "static"
FETCH_SECONDS = 120


class Vendored(NamedTuple):
    """A file of a package."""

    package: str
    member: str
    name: str
    sha256: str


FILES = (
    Vendored(
        "htmx.org@2.0.11",
        "package/dist/htmx.min.js",
        "htmx.min.js",
        "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717",
    ),
    Vendored(
        "htmx.org@2.0.11",
        "package/LICENSE",
        "htmx-license.txt",
        "d3d2456f76414f2456104660ebd65aff1c04cd7966b942bdabd63f3cdb316a38",
    ),
)


def main(arguments: list[str]) -> int:
    """Fetch, or check with `--check`. Exit code 1 where a file is not as expected."""
    contents = _present() if arguments == ["--check"] else _fetched()
    wrong = [file.name for file in FILES if hashlib.sha256(contents[file.name]).hexdigest() != file.sha256]
    for name in wrong:
        print(f"error: {name} has another hash than expected", file=sys.stderr)
    if not wrong and arguments != ["--check"]:
        for name, content in contents.items():
            (STATIC / name).write_bytes(content)
    return 1 if wrong else 0


def _present() -> dict[str, bytes]:
    return {file.name: (STATIC / file.name).read_bytes() for file in FILES}


def _fetched() -> dict[str, bytes]:
    contents: dict[str, bytes] = {}
    with tempfile.TemporaryDirectory() as directory:
        for package in sorted({file.package for file in FILES}):
            done = subprocess.run(
                ["npm", "pack", "--silent", "--pack-destination", directory, package],
                capture_output=True,
                text=True,
                timeout=FETCH_SECONDS,
                check=True,
            )
            with tarfile.open(Path(directory) / done.stdout.split()[-1]) as archive:
                for file in FILES:
                    member = archive.extractfile(file.member) if file.package == package else None
                    if member is not None:
                        contents[file.name] = member.read()
    return contents


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
