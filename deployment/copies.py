"""A backup of an event log on this machine, looked at before anything is sent."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import DeployError
from .host.model import Log
from .run import run

LONG = 300.0  # seconds for a look at all of it


@dataclass(frozen=True)
class Copy:
    """A backup that is whole."""

    path: Path
    size: int
    sha256: str
    log: Log

    def to_json(self) -> dict[str, Any]:
        """What a request says of it."""
        return {"name": self.log.name, "length": self.log.length, "head": self.log.head}


def read(path: Path, root: Path) -> Copy:
    """Verify it with the code of this checkout. Raises `DeployError` where it is no whole event log."""
    if not path.is_file():
        raise DeployError(
            f"there is no backup {path}.", "make backup ENV=dev makes one; BACKUP= names its file"
        )
    with tempfile.TemporaryDirectory() as scratch:  # SQLite leaves files of its own beside what it opens
        copy = Path(scratch) / "events.db"
        shutil.copyfile(path, copy)
        with copy.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = copy.stat().st_size
        verified = _ask(root, "verify", scratch)
        if not verified.get("ok"):
            raise DeployError(
                f"{path} is damaged: its record at position {verified.get('first_bad_position')}.",
                "take an older one",
            )
        head = _ask(root, "head", scratch)
    return Copy(path, size, digest, Log(int(head["position"]), str(head["hash"])))


def _ask(root: Path, verb: str, store: str) -> dict[str, Any]:
    argv = [sys.executable, "-m", "services.event_log", verb, "--store", store, "--json"]
    answer: dict[str, Any] = json.loads(run(argv, cwd=root, timeout=LONG, expect=(0, 1)) or b"{}")
    return answer
