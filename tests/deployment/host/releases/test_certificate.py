"""The copy of a certificate on a node, and the certificate that a real service with HTTPS presents."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from deployment.host.apply import verify
from deployment.host.node import probe
from deployment.host.releases import certificate
from deployment.host.values.layout import Layout
from deployment.host.values.manifest import Manifest
from services.certificate import Pair
from services.certificate_copy import content_of, copy
from tests.deployment.shelves import release
from tests.services.certificates import keys_of, pair_in, renew
from tests.services.instance import running


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return pair_in(tmp_path)


def with_https(layout: Layout, pair: Pair) -> Manifest:
    """A release with this pair."""
    keys = {"tls_cert_file": str(pair.certificate), "tls_key_file": str(pair.key)}
    made = release(layout)
    return replace(made, config={**made.config, **keys})


@pytest.mark.skipif(os.geteuid() != 0, reason="a copy of another user's is not the right one")
def test_a_copy_is_compared_with_the_files_of_the_release(
    layout: Layout, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the program of the release makes it: contents, owner and mode."""
    monkeypatch.setattr(certificate, "_group", lambda _: 0)
    dev, made = layout.of("dev"), with_https(layout, pair)
    assert certificate.state(dev, made) == ""
    dev.certificate.parent.mkdir(parents=True)
    copy(pair, dev.certificate, "root")
    assert certificate.state(dev, made) == "same"
    assert certificate.state(dev, release(layout)) == "other"
    assert certificate.state(dev, None) == "other"
    dev.certificate.chmod(0o644)
    assert certificate.state(dev, made) == "other"
    dev.certificate.chmod(0o640)
    renew(pair)
    assert certificate.state(dev, made) == "other"
    pair.key.unlink()
    assert certificate.state(dev, made) == "other"
    os.mkfifo(pair.key)
    assert certificate.state(dev, made) == "other"


@pytest.mark.parametrize("content", [None, b"", b"-----BEGIN CERTIFICATE-----\nAAA", b"\xff\xfe"])
def test_no_copy_has_no_digest(layout: Layout, content: bytes | None) -> None:
    """A damaged one neither."""
    dev = layout.of("dev")
    if content is not None:
        dev.certificate.parent.mkdir(parents=True)
        dev.certificate.write_bytes(content)
    assert certificate.digest(dev) is None


def test_a_service_with_https_is_asked_by_https(layout: Layout, tmp_path: Path, pair: Pair) -> None:
    """Whether the node knows of it or not; its certificate is compared with the copy."""
    dev, made = layout.of("dev"), with_https(layout, pair)
    dev.certificate.parent.mkdir(parents=True)
    dev.certificate.write_bytes(content_of(pair))
    with running(tmp_path, **keys_of(pair)) as service:
        answer = probe.ask(f"127.0.0.1:{service.port}", pid=service.process.pid)
        assert answer is not None
        assert (answer["status"], answer["ready"]) == (200, True)
        assert answer["certificate"] == certificate.digest(dev)
        other = probe.ask(f"127.0.0.1:{service.port}", pid=os.getpid())
        assert other is not None
        assert not other["ready"]
        assert "answers in its place" in other["reason"]
        assert service.stop()[0] == 0
    assert verify._other_certificate(dev, made, answer) == ""
    assert verify._other_certificate(dev, release(layout), answer) == (
        "it speaks HTTPS, and has no certificate in its configuration"
    )
    assert verify._other_certificate(dev, made, {}) == "it speaks HTTP and not HTTPS"
    renew(pair)
    dev.certificate.write_bytes(content_of(pair))
    text = f"it presents another certificate than {dev.certificate} has"
    assert verify._other_certificate(dev, made, answer) == text
