"""Replacing a small file by another one, all of it at once."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def replace(path: Path, content: bytes) -> None:
    """Give the file `path` another content, and leave nothing else behind. Raises OSError.

    It is not synced: a power cut may leave the content of before, or one that cannot be read.
    """
    new = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        new.write_bytes(content)
        new.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            new.unlink()
        raise
