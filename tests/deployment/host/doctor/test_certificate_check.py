"""What is said of a certificate, by how long it is valid."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from deployment.host.doctor import certificate_check, faults
from deployment.host.doctor.certificate_check import Certificate
from deployment.host.node.systemd import Unit
from deployment.host.values.layout import Layout
from deployment.host.values.observed import Observed, ReleaseOnDisk
from tests.deployment.shelves import DEV, release

NOW = datetime(2026, 2, 10, 13, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("days", "level", "text"),
    [
        (76.5, "ok", "valid for 76 days, until 2026-04-28T01:30:00Z"),
        (14, "ok", "valid for 14 days, until 2026-02-24T13:30:00Z"),
        (13.9, "warn", "the certificate expires in 13 days, and was not renewed"),
        (1.5, "warn", "the certificate expires in 1 day, and was not renewed"),
        (0, "bad", "the certificate expired at 2026-02-10T13:30:00Z"),
        (None, "bad", "the copy of the certificate is gone, or cannot be read"),
    ],
)
def test_a_certificate_is_judged_by_its_end(days: float | None, level: str, text: str) -> None:
    """Two weeks before the end, whoever renews it has failed for two weeks."""
    end = None if days is None else NOW + timedelta(days=days)
    (check,) = certificate_check.judge(Certificate(end, NOW, is_current=True), DEV)
    assert (check.name, check.level, check.text) == ("certificate", level, text)
    assert bool(check.mend) == (level != "ok")


def test_a_copy_of_an_earlier_certificate_is_told() -> None:
    """With the unit that copies."""
    valid, other = certificate_check.judge(Certificate(NOW + timedelta(days=40), NOW, is_current=False), DEV)
    assert (valid.level, other.level) == ("ok", "warn")
    assert "systemctl restart helionyx-dev-tls.service" in other.mend


@pytest.mark.parametrize(("days", "count"), [(40, 0), (10, 1), (-1, 1)])
def test_status_tells_of_it_too(layout: Layout, days: int, count: int) -> None:
    """Cron asks for that alone."""
    files = {"tls_cert_file": "/c.pem", "tls_key_file": "/k.pem"}
    made = replace(release(layout), id="r", config={**release(layout).config, **files})
    observed = Observed(
        current="r",
        releases={"r": ReleaseOnDisk()},
        certificate="same",
        certificate_end=datetime.now(UTC) + timedelta(days=days),
    )
    unit = Unit(DEV.service, "active", "running", 7, 0, stale=False, listen=None, since="")
    all_faults = faults.of(layout.of("dev"), observed, made, unit)
    assert [fault.about for fault in all_faults].count("certificate") == count
    assert certificate_check.of(observed, release(layout), NOW) is None
