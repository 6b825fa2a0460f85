"""Programs of Debian packages for tests: unpacked below `.cache/debian`, and not installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from node1.lock import locked

CACHE = Path(__file__).parents[1] / ".cache" / "debian"
LIMIT = 300  # seconds for one command


def program(package: str, path: str) -> Path:
    """Return a program of a package. Skips the test where no package can be downloaded."""
    found = CACHE / package / path
    with locked(CACHE / f"{package}.lock", timeout=LIMIT):
        if not found.exists():
            _unpack(package)
    return found


def _unpack(package: str) -> None:
    """Download a package and unpack it; its name is given to it last."""
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        pytest.skip(f"{package} is a package of Debian, and this is none")
    half = CACHE / f"{package}.half"
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(parents=True)
    done = _download(package, half)
    if done.returncode and os.geteuid() == 0:  # the lists of packages may be missing or old
        subprocess.run(["apt-get", "update", "-q"], capture_output=True, check=False, timeout=LIMIT)
        done = _download(package, half)
    if done.returncode:
        pytest.skip(f"{package} cannot be downloaded: {done.stderr.strip().splitlines()[-1:]}")
    (archive,) = half.glob("*.deb")
    subprocess.run(["dpkg-deb", "--extract", archive, half], check=True, capture_output=True, timeout=LIMIT)
    half.rename(CACHE / package)


def _download(package: str, directory: Path) -> subprocess.CompletedProcess[str]:
    command = ["apt-get", "download", "-q", package]
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False, timeout=LIMIT)
