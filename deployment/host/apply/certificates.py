"""The copy of the certificate for the service: made by the release's own program, as root."""

from __future__ import annotations

import json

from ..node.run import run
from ..releases import releases
from ..values.errors import StepFailed, last_word
from .work import Work

TIME = 30.0  # seconds


def copy(work: Work, _: str) -> str:
    """Copy a pair that fits. A revert goes on with the copy that is there. Raises `StepFailed`."""
    environment, release = work.environment, work.chosen
    assert release.certificate is not None, "a plan copies the certificate of a release that has one"
    certificate, key = map(str, release.certificate)
    words = ("--cert", certificate, "--key", key, "--to", str(environment.certificate))
    program = ("services.certificate_copy", "copy", "--json", "--once", *words, "--group", environment.user)
    try:
        answer = json.loads(run(releases.command(environment, release, *program), timeout=TIME))
    except StepFailed as error:
        if work.desired.back and environment.certificate.exists():
            work.doubts.append(f"the copy of the certificate stays as it is: {last_word(error)}")
            return ""
        hints = [line.removeprefix("hint: ") for line in error.details if line.startswith("hint: ")]
        message = f"HTTPS is not possible: {last_word(error)}."
        raise StepFailed(message, hints[0] if hints else "look at TLS_CERT_FILE and TLS_KEY_FILE") from error
    return f"valid until {answer['not_after']}"


def remove(work: Work) -> None:
    work.environment.certificate.unlink(missing_ok=True)
