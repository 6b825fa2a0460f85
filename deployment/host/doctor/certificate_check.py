"""The certificate of an environment with HTTPS: pure rules that judge it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..values.check import BAD, WARN, Check, ok, warn
from ..values.layout import Environment
from ..values.manifest import Manifest
from ..values.observed import Observed
from .rules import AS_ROOT

SOON = timedelta(days=14)
"""Renewal tools are earlier: certbot renews 30 days before the end."""


@dataclass(frozen=True)
class Certificate:
    """The certificate that a service has a copy of."""

    end: datetime | None
    now: datetime
    is_current: bool  # whether it is the one in the files of the configuration

    @property
    def fault(self) -> str:
        """The fault that needs a person, in a sentence; empty without one."""
        if self.end is None:
            return "the copy of the certificate is gone, or cannot be read"
        if self.end <= self.now:
            return f"the certificate expired at {_shown(self.end)}"
        if self.end - self.now < SOON:
            return f"the certificate expires in {_days(self.end - self.now)}, and was not renewed"
        return ""


def of(observed: Observed, release: Manifest | None, now: datetime) -> Certificate | None:
    """The certificate of a release with HTTPS; None without."""
    if release is None or release.certificate is None:
        return None
    return Certificate(observed.certificate_end, now, observed.certificate == "same")


def judge(certificate: Certificate, environment: Environment) -> Iterator[Check]:
    """One line: how long it is valid."""
    copying = environment.tls_service
    again = f"{AS_ROOT}: systemctl restart {copying}; journalctl -u {copying} says why it failed"
    if fault := certificate.fault:
        is_late = certificate.end is not None and certificate.end > certificate.now
        mend = f"{AS_ROOT}: renew it, such as by: certbot renew"
        level, mend = (WARN, mend) if is_late else (BAD, f"{mend}; or {again}")
        yield Check("certificate", level, fault, mend)
    elif certificate.end is not None:
        remaining = _days(certificate.end - certificate.now)
        yield ok("certificate", f"valid for {remaining}, until {_shown(certificate.end)}")
    if certificate.end is not None and not certificate.is_current:
        yield warn("certificate", "the service has another one than its files hold", again)


def _days(span: timedelta) -> str:
    return "1 day" if span.days == 1 else f"{span.days} days"


def _shown(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")
