"""The files of a certificate and its key: read, checked, refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from services.certificate import CertificateError, Pair, end_of, load, not_after
from tests.services.certificates import pair_in, put, renew


def encrypt(pair: Pair) -> None:
    key = load_pem_private_key(pair.key.read_bytes(), None)
    secret = BestAvailableEncryption(b"secret")
    pair.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, secret))


def encrypt_as_openssl_1(pair: Pair) -> None:
    key = load_pem_private_key(pair.key.read_bytes(), None)
    secret = BestAvailableEncryption(b"secret")
    pair.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, secret))


def other_key(pair: Pair) -> None:
    certificate = pair.certificate.read_bytes()
    renew(pair)
    put(pair.certificate, certificate)


def cut_off(pair: Pair) -> None:
    lines = pair.certificate.read_text().splitlines()
    pair.certificate.write_text("\n".join([*lines[:2], lines[0].replace("BEGIN", "END")]))


REFUSED: dict[str, tuple[Callable[[Pair], object], str]] = {
    "no certificate file": (lambda pair: pair.certificate.unlink(), "cannot read .*fullchain.pem: No such"),
    "no key file": (lambda pair: pair.key.unlink(), "cannot read .*privkey.pem: No such"),
    "an empty certificate": (lambda pair: pair.certificate.write_text(""), "fullchain.pem holds no cert"),
    "an empty key": (lambda pair: pair.key.write_text(""), "privkey.pem holds no key"),
    "a cut certificate": (cut_off, "fullchain.pem holds a damaged certificate"),
    "another key": (other_key, "the key in .*privkey.pem does not belong to the certificate in .*fullchain"),
    "a passphrase": (encrypt, "the key in .*privkey.pem has a passphrase"),
    "an old passphrase": (encrypt_as_openssl_1, "the key in .*privkey.pem has a passphrase"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused(tmp_path: Path, case: str) -> None:
    """With the file and its fault in the message."""
    pair = pair_in(tmp_path)
    load(pair)
    damage, message = REFUSED[case]
    damage(pair)
    with pytest.raises(CertificateError, match=message):
        load(pair)


def test_one_file_may_hold_both(tmp_path: Path) -> None:
    """The node has a copy of both in one file, the key first."""
    pair = pair_in(tmp_path)
    both = tmp_path / "both.pem"
    both.write_bytes(pair.key.read_bytes() + pair.certificate.read_bytes())
    assert load(Pair(both, both)).not_after == load(pair).not_after


@pytest.mark.parametrize("days", [-3, 12, 40 * 365], ids=["expired", "soon", "behind 2050"])
def test_the_end_is_that_of_the_first_certificate(tmp_path: Path, days: int) -> None:
    """In both ways of writing a time: from 2050 on there is another one."""
    pair = pair_in(tmp_path, days)
    first = x509.load_pem_x509_certificate(pair.certificate.read_bytes())
    assert end_of(pair.certificate) == first.not_valid_after_utc
    assert load(pair).not_after - datetime.now(UTC) < timedelta(days=days)
    assert load(pair).shown_end.endswith("Z")


def test_no_text_is_taken_for_a_certificate(tmp_path: Path) -> None:
    """However it is cut: a file may be read while it is written."""
    block = x509.load_pem_x509_certificate(pair_in(tmp_path).certificate.read_bytes())
    der = block.public_bytes(Encoding.DER)
    for length in range(len(der)):
        with pytest.raises((ValueError, IndexError)):
            not_after(der[:length])
