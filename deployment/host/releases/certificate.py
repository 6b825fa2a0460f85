"""The copy of a certificate and its key that a service can read, and the certificate that it presents."""

from __future__ import annotations

import grp
import json
import stat
from datetime import datetime
from pathlib import Path

from ..node import probe
from ..node.run import run
from ..values.errors import HostError
from ..values.layout import Environment
from ..values.manifest import Manifest
from . import releases

SAME, OTHER, NONE = "same", "other", ""  # the states of a copy
MODE = 0o640
TIME = 10.0  # seconds for a program that reads one file
END = "-----END CERTIFICATE-----"


def state(environment: Environment, release: Manifest | None) -> str:
    """Compare the copy with the files of a release: the same, another one, or none."""
    copy = environment.certificate
    if not copy.exists():
        return NONE
    files = release.certificate if release else None
    if files is None:
        return OTHER
    try:
        is_same = copy.read_bytes() == _content(*files) and _is_right(copy, environment.user)
    except (OSError, KeyError):
        return OTHER
    return SAME if is_same else OTHER


def _content(certificate: Path, key: Path) -> bytes:
    """The contents of a copy, as the program of a release makes it. Raises `OSError`."""
    if not (certificate.is_file() and key.is_file()):  # a pipe may have no end
        raise FileNotFoundError(certificate)
    return key.read_bytes().rstrip(b"\n") + b"\n" + certificate.read_bytes()


def _is_right(copy: Path, group: str) -> bool:
    status = copy.stat()
    rights = (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode))
    return rights == (0, _group(group), MODE)


def _group(name: str) -> int:
    """The number of a group. Raises `KeyError`."""
    return grp.getgrnam(name).gr_gid


def digest(environment: Environment) -> str | None:
    """The digest of the certificate in the copy, by which the served one is compared; None without a copy."""
    import ssl  # seldom needed

    try:
        text = environment.certificate.read_text()
        begin = text.index("-----BEGIN CERTIFICATE-----")
        der = ssl.PEM_cert_to_DER_cert(text[begin : text.index(END) + len(END)])
    except (OSError, ValueError):
        return None
    return probe.digest_of(der)


def end(environment: Environment, release: Manifest | None) -> datetime | None:
    """The end of the certificate in the copy, as a release with HTTPS reads it; None where it cannot."""
    if release is None or release.certificate is None:
        return None
    words = ("services.certificate_copy", "show", "--json", "--file", str(environment.certificate))
    try:
        answer = json.loads(run(releases.command(environment, release, *words), timeout=TIME))
        return datetime.fromisoformat(answer["not_after"])
    except (HostError, ValueError, KeyError, TypeError):
        return None
