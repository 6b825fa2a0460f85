"""The time of the last backup of a log, in a file beside the log's directory and its last head.

The program that copies the log writes it, and the service reads it for `/metrics`.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec

from services.event_log.files import replace
from services.event_log.last_head import LastHead


class _Content(msgspec.Struct):
    time: Annotated[datetime, msgspec.Meta(tz=True)]


def beside(store: Path) -> Path:
    """The file beside the directory `store`: `data/events` has `data/events.last_backup`."""
    return store.with_name(f"{store.name}.last_backup")


def write(store: Path, time: datetime) -> None:
    """Replace the file. Raises OSError.

    A log without a last head is no service's, such as an archived one: no file appears beside that.
    """
    store = store.absolute()
    if LastHead.beside(store).read() is not None:
        replace(beside(store), msgspec.json.encode(_Content(time)) + b"\n")


def read(store: Path) -> datetime | None:
    """The time in the file; None before the first backup, and for a file that cannot be read."""
    try:
        return msgspec.json.decode(beside(store).read_bytes(), type=_Content).time
    except (OSError, msgspec.DecodeError):
        return None
