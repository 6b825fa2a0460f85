"""A certificate and its key, in PEM files. Loaded only where HTTPS is configured. Standard library only."""

from __future__ import annotations

import binascii
import re
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from services.errors import HelionyxError

_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----\s(.*?)-----END CERTIFICATE-----", re.DOTALL)
_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")

VERSION, UTC_TIME = 0xA0, 0x17
"""Tags of DER; the first is that of the optional first member of a certificate (RFC 5280, section 4.1)."""


class CertificateError(HelionyxError):
    """A certificate and key that cannot be served."""

    exit_code = 78  # EX_CONFIG, as for a ConfigError


@dataclass(frozen=True)
class Pair:
    """The files of a certificate, with its chain, and of its key. They may be one file."""

    certificate: Path
    key: Path

    @property
    def state(self) -> tuple[tuple[int, int, int] | None, ...]:
        """The inode, size and time of each file, by which a change shows; None for a missing file."""
        return tuple(map(_state, (self.certificate, self.key)))

    def read(self) -> tuple[bytes, bytes]:
        """The contents of the key's file and of the certificate's. Raises CertificateError."""
        return _read(self.key), _read(self.certificate)


@dataclass(frozen=True)
class Loaded:
    """A pair that fits: its TLS context and the end of its certificate."""

    context: ssl.SSLContext
    not_after: datetime

    @property
    def shown_end(self) -> str:
        """The end of the certificate as the log shows it."""
        return self.not_after.isoformat().replace("+00:00", "Z")


def load(pair: Pair) -> Loaded:
    """Read a pair and check that both belong together. Raises CertificateError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)  # TLS 1.2 and newer
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    not_after = end_of(pair.certificate)
    if not _KEY.search(_read(pair.key)):
        raise CertificateError(f"{pair.key} holds no key in PEM format")

    def ask() -> bytes:  # OpenSSL would ask for it on the terminal
        hint = "openssl pkey -in KEY -out NEW writes it without"
        raise CertificateError(f"the key in {pair.key} has a passphrase", hint)

    try:
        context.load_cert_chain(pair.certificate, pair.key, password=ask)
    except OSError as error:
        raise _unfit(pair, error) from None
    return Loaded(context, not_after)


def end_of(path: Path) -> datetime:
    """The end of the first certificate in a PEM file. Raises CertificateError."""
    block = _BLOCK.search(_read(path))
    if block is None:
        raise CertificateError(f"{path} holds no certificate in PEM format")
    try:
        return not_after(binascii.a2b_base64(block[1]))
    except (ValueError, IndexError):
        raise CertificateError(f"{path} holds a damaged certificate") from None


def not_after(der: bytes) -> datetime:
    """The end of a certificate in DER. Raises ValueError or IndexError for what is none.

    The standard library shows the dates of other people's certificates alone.
    """
    certificate = _members(_members(der)[0][1])
    fields = _members(certificate[0][1])
    if fields[0][0] == VERSION:
        fields = fields[1:]
    # Behind the serial number, the algorithm and the issuer.
    tag, text = _members(fields[3][1])[1]
    # A UTCTime of 50 or more is of the last century, as `%y` would have it from 69 on.
    century = b"" if tag != UTC_TIME else b"19" if text[:2] >= b"50" else b"20"
    return datetime.strptime((century + text).decode("ascii"), "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _members(data: bytes) -> list[tuple[int, bytes]]:
    """The values in a row of DER, each with its tag."""
    members, start = [], 0
    while start < len(data):
        tag, length, start = data[start], data[start + 1], start + 2
        if length & 0x80:
            size = length & 0x7F
            length, start = int.from_bytes(data[start : start + size], "big"), start + size
        if start + length > len(data):
            raise ValueError("cut off")
        members.append((tag, data[start : start + length]))
        start += length
    return members


def _state(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def _read(path: Path) -> bytes:
    try:
        if not path.is_file():  # a pipe may have no end
            path.stat()
            raise CertificateError(f"{path} is no file")
        return path.read_bytes()
    except OSError as error:
        raise CertificateError(f"cannot read {path}: {error.strerror}") from None


def _unfit(pair: Pair, error: OSError) -> CertificateError:
    if isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH":
        return CertificateError(
            f"the key in {pair.key} does not belong to the certificate in {pair.certificate}",
            "renew both, or correct TLS_CERT_FILE and TLS_KEY_FILE",
        )
    return CertificateError(f"OpenSSL cannot use {pair.certificate} and {pair.key}: {error}")
