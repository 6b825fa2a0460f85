"""Archives whose bytes depend on their contents alone."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """One file of an archive."""

    path: str
    content: bytes
    mode: int = 0o644


def pack(entries: Iterable[Entry]) -> bytes:
    """A gzipped tar: sorted, owned by root, with no time in it."""
    return pack_in_order(sorted(entries, key=lambda item: item.path), level=6)


def pack_in_order(entries: Iterable[Entry], level: int) -> bytes:
    """The same in the order of `entries`, each of which is taken once those before it are packed."""
    out = io.BytesIO()
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=out, mtime=0, compresslevel=level) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar,
    ):
        for entry in entries:
            member = tarfile.TarInfo(entry.path)
            member.size, member.mode, member.mtime = len(entry.content), entry.mode, 0
            member.uname = member.gname = "root"
            tar.addfile(member, io.BytesIO(entry.content))
    return out.getvalue()
