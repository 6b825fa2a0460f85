"""The time that a unit has for its start and its stop."""

from __future__ import annotations

import pytest

from deployment.host.node import systemd


@pytest.mark.parametrize(
    ("span", "seconds"),
    [
        ("20s", 20 + systemd.SPARE),
        ("1min 30s", 90 + systemd.SPARE),
        ("1.5s", 1.5 + systemd.SPARE),
        ("500ms", 0.5 + systemd.SPARE),
        ("2h", systemd.START_LIMIT),
        ("infinity", systemd.START_LIMIT),
        ("", systemd.START_LIMIT),
    ],
)
def test_a_time_span_of_systemd_has_a_limit(span: str, seconds: float) -> None:
    """What systemd prints is read, with some to spare; no unit has more than the limit of all jobs."""
    assert systemd.seconds(span) == pytest.approx(seconds)
