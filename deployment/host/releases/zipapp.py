"""The host half as one file that Python runs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

EPOCH = (1980, 1, 1, 0, 0, 0)  # the first date that a zip file can hold


def digest(modules: Mapping[str, bytes]) -> str:
    """Return the name of a host half: a digest of its modules by file name."""
    hasher = hashlib.sha256()
    for name, source in sorted(modules.items()):
        hasher.update(f"{name} {len(source)}\n".encode() + source)
    return hasher.hexdigest()


def pack(files: Mapping[str, bytes], compression: int, comment: bytes = b"") -> bytes:
    """Return a zip file whose bytes depend on its contents alone."""
    import io  # seldom needed, as each host half is sent and kept once
    import zipfile

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in sorted(files.items()):
            member = zipfile.ZipInfo(name, EPOCH)
            member.compress_type = compression
            member.external_attr = 0o644 << 16
            archive.writestr(member, content)
        archive.comment = comment
    return out.getvalue()
