"""Certificates of an authority of the tests' own."""

from __future__ import annotations

import datetime
import ssl
from pathlib import Path

import trustme

from services.certificate import Pair
from tests.services.instance import Address

AUTHORITY = trustme.CA()
NAME = "helionyx.example"


def renew(pair: Pair, days: float = 90.0, authority: trustme.CA = AUTHORITY) -> trustme.LeafCert:
    """Write a new certificate that ends in so many days, and its key, each file by a rename."""
    now = datetime.datetime.now(datetime.UTC)
    made = authority.issue_cert(
        NAME,
        "127.0.0.1",
        not_before=now - datetime.timedelta(days=100),
        not_after=now + datetime.timedelta(days=days),
        key_type=trustme.KeyType.ECDSA,
    )
    put(pair.certificate, b"".join(blob.bytes() for blob in made.cert_chain_pems))
    put(pair.key, made.private_key_pem.bytes())
    return made


def put(path: Path, content: bytes) -> None:
    """Put a file in the place of another one in one step."""
    beside = path.with_suffix(".new")
    beside.write_bytes(content)
    beside.replace(path)


def pair_in(directory: Path, days: float = 90.0) -> Pair:
    """The files of a new certificate and its key."""
    pair = Pair(directory / "fullchain.pem", directory / "privkey.pem")
    renew(pair, days)
    return pair


def keys_of(pair: Pair) -> dict[str, str]:
    """The keys of the configuration that name a pair."""
    return {"TLS_CERT_FILE": str(pair.certificate), "TLS_KEY_FILE": str(pair.key)}


def trusting(authority: trustme.CA = AUTHORITY) -> ssl.SSLContext:
    """The TLS context of a caller who trusts the authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(context)
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


def served(address: Address) -> str:
    """The certificate that a service presents on a port, in PEM."""
    assert isinstance(address, tuple)
    return ssl.get_server_certificate(address, timeout=10)
