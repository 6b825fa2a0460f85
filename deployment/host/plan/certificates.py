"""The steps that give the service its copy of a certificate, and take the copy away. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ..values.desired import Running
from ..values.manifest import Manifest
from ..values.observed import Observed
from ..values.step import Step


def copied(
    observed: Observed, release: Manifest, desired: Running, installed: tuple[Step, ...]
) -> Iterator[Step]:
    """Copy the certificate of a release, which fails for one that cannot be served.

    A restart goes on with the copy that is there: a certificate that is being renewed stops no restart.
    """
    if release.certificate is None:
        return
    is_another = desired.staged or desired.back or observed.current != release.id
    why = ""
    if not observed.certificate:
        why = "the service has no copy of it"
    elif observed.certificate == "other" and is_another:
        why = "the service has a copy of another one"
    elif desired.staged and Step("check-release", (release.id,)) in installed:
        why = "before callers meet this release"
    if why:
        yield Step("copy-certificate", (release.id,), why)


def removed(observed: Observed, release: Manifest) -> Iterator[Step]:
    """Remove the copy for a release without HTTPS."""
    if observed.certificate and release.certificate is None:
        yield Step("remove-certificate", (), f"{release.id} has no HTTPS")
