"""The last known head of a log, in a file outside of the log's directory.

A log that is deleted, not mounted or an older copy cannot tell by itself that it went further once: ADR 13.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from services.event_log.files import replace
from services.event_log.summary import BEGINNING, Head


class _Content(msgspec.Struct):
    position: int
    hash: str


class LastHead:
    """The file with the last known head of an event log."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written: Head | None = None

    @classmethod
    def beside(cls, store: Path) -> LastHead:
        """The file beside the directory `store`: `data/events` has `data/events.head`."""
        return cls(store.with_name(f"{store.name}.head"))

    def read(self) -> Head | None:
        """The head in the file, None where there is no file.

        A file that cannot be read still shows that there was a log: it counts as the beginning of one.
        """
        try:
            content = msgspec.json.decode(self._path.read_bytes(), type=_Content)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, msgspec.DecodeError):
            return BEGINNING
        return Head(content.position, content.hash)

    def write(self, head: Head) -> None:
        """Replace the file, unless it was written with this head before. Raises OSError.

        It is not synced: a power cut may leave an older head or an unreadable file, and both still count.
        """
        if head == self._written:
            return
        replace(self._path, msgspec.json.encode(_Content(head.position, head.hash)) + b"\n")
        self._written = head
