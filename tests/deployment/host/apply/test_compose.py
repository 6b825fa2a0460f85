"""Old code with the configuration that runs: made on the node, of a kept release."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from deployment.host.apply import compose
from deployment.host.event_log import log_commands
from deployment.host.values.errors import Refused
from deployment.host.values.layout import Layout
from deployment.host.values.manifest import Manifest
from tests.deployment.shelves import DEV, release

CONFIG = {"api_host": "127.0.0.1", "api_port": 8000}


@pytest.fixture
def old(layout: Layout) -> Manifest:
    """A kept release without files of its own, and a configuration that runs."""
    made = replace(release(layout), commit="c0ffee000000", layer="a" * 64, config=CONFIG)
    made = replace(made, id=made.expected_id)
    root = layout.of("dev").releases / made.id
    (root / "units").mkdir(parents=True)
    (root / "manifest.json").write_bytes(made.text)
    (root / "units" / DEV.socket).write_text(f"ListenStream={made.listen}\n")
    (root / ".env.dev").write_text("API_PORT=8001\n")
    (layout.layers / made.layer).mkdir(parents=True)
    layout.of("dev").current.symlink_to(root)
    return made


def test_units_of_old_code_name_other_certificates(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, old: Manifest
) -> None:
    """Refused before anything is begun: the service could not read the files of the configuration."""
    facts = {**CONFIG, "tls_cert_file": "/c.pem", "tls_key_file": "/k.pem"}
    answer: dict[str, Any] = {"problems": [], "facts": facts, "digests": {}}
    monkeypatch.setattr(log_commands, "ask", lambda *_, **__: answer)
    text = "is for no HTTPS, and the configuration that runs for HTTPS with /c.pem"
    with pytest.raises(Refused, match=text) as refused:
        compose.manifest(layout.of("dev"), old.id)
    assert refused.value.hint == "git switch --detach c0ffee000000, then make deploy ENV=dev"


def test_configuration_that_old_code_does_not_accept(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, old: Manifest
) -> None:
    """Refused with its reasons before anything is begun."""
    problem = {"key": "API_PORT", "line": 1, "message": "unknown to this release"}
    answer: dict[str, Any] = {"ok": False, "environment": "dev", "problems": [problem]}
    monkeypatch.setattr(log_commands, "ask", lambda *_, **__: answer)
    with pytest.raises(Refused, match="does not accept the configuration that runs") as refused:
        compose.manifest(layout.of("dev"), old.id)
    assert refused.value.details == ("API_PORT: unknown to this release",)
