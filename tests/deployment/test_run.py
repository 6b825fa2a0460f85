"""A command on the node ends in an answer or in a message, never in a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployment.host import facts, sockets
from deployment.host.errors import Refused, StepFailed
from deployment.host.run import run


def test_user_that_was_deleted_is_told() -> None:
    """Whatever was to be run as that user: who it is, and what brings it back."""
    with pytest.raises(StepFailed, match="there is no user helionyx-of-nobody on the node") as failure:
        run(["true"], user="helionyx-of-nobody")
    assert "make deploy" in failure.value.hint


def test_program_that_may_not_be_started_is_told(tmp_path: Path) -> None:
    """As on a file system that is mounted noexec: no traceback, and the causes."""
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    with pytest.raises(StepFailed, match="cannot be started on the node: Permission denied") as failure:
        run([str(program)])
    assert "noexec" in failure.value.hint


def test_sudo_that_lets_nothing_be_started_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the first word of the node, and with the rule that does."""
    monkeypatch.setattr(facts, "Path", lambda _: Path("/"))
    facts.facts()
    monkeypatch.setenv("LD_PRELOAD", "/usr/libexec/sudo/sudo_noexec.so")
    monkeypatch.setenv("SUDO_USER", "deploy")
    with pytest.raises(Refused, match="`Defaults noexec`") as refusal:
        facts.facts()
    assert refusal.value.hint.endswith("visudo: deploy ALL=(root) NOPASSWD: EXEC: /usr/bin/python3")


@pytest.mark.parametrize(
    ("host", "plain"),
    [
        ("::ffff:127.0.0.1", "127.0.0.1"),
        ("::ffff:7f00:1", "127.0.0.1"),
        ("0:0:0:0:0:FFFF:0:0", "0.0.0.0"),
        ("::1", None),
        ("::", None),
        ("fe80::ffff:1", None),
        ("127.0.0.1", None),
    ],
)
def test_address_that_stands_for_another_is_known(host: str, plain: str | None) -> None:
    """In whatever form it is written: the service's configuration and the kernel differ in it."""
    assert sockets.as_ipv4(host) == plain


def test_program_that_is_not_there_is_told() -> None:
    """By its name."""
    with pytest.raises(StepFailed, match="no-such-program is not installed on the node"):
        run(["no-such-program"])
