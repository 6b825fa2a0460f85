"""Replace a small file in one step."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def replace(path: Path, content: bytes) -> None:
    """Replace the content of the file `path`, and leave no other file behind. Raises OSError.

    The file is not synced: a power cut may leave the old content, or one that cannot be read.
    """
    new = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        new.write_bytes(content)
        new.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            new.unlink()
        raise
