"""Commands to a service with HTTPS: from its own machine, and by its name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from services.certificate import Pair
from services.certificate_copy import content_of
from tests.services.certificates import keys_of, pair_in, put, trusting
from tests.services.instance import Instance, running
from tests.services.person import Person


@pytest.fixture
def beside(tmp_path: Path) -> Iterator[tuple[Person, Instance]]:
    """A person and a service with HTTPS."""
    keys = keys_of(pair_in(tmp_path))
    with running(tmp_path, **keys) as instance:
        yield Person.at(tmp_path, instance.port, **keys), replace(instance, context=trusting())


def test_the_certificate_in_the_configuration_is_enough(beside: tuple[Person, Instance]) -> None:
    """Whatever name is in it, and whoever has signed it; another certificate is refused."""
    person, service = beside
    done = person.run("say", "by HTTPS")
    assert done.returncode == 0, done.stderr
    messages = service.call("GET", "/api/v1/messages").json["messages"]
    assert [message["text"] for message in messages] == ["by HTTPS"]
    other = person.directory / "other"
    other.mkdir()
    put(person.directory / "fullchain.pem", pair_in(other).certificate.read_bytes())
    done = person.run("status")
    assert done.returncode == 1
    assert "certificate verify failed" in done.stderr


def test_the_copy_of_a_node_comes_first(beside: tuple[Person, Instance]) -> None:
    """Root alone can read the files in the configuration there."""
    person, _ = beside
    pair = Pair(person.directory / "fullchain.pem", person.directory / "privkey.pem")
    copy = person.directory / "tls.pem"
    copy.write_bytes(content_of(pair))
    pair.certificate.unlink()
    assert person.run("status", HELIONYX_TLS_FILE=str(copy)).returncode == 0
    done = person.run("status")
    assert done.returncode == 1
    assert f"cannot read the certificate of the service in {pair.certificate}: No such file" in done.stderr


def test_by_a_url_the_name_counts(beside: tuple[Person, Instance]) -> None:
    """And the authority, as for everybody."""
    person, service = beside
    done = person.run("status", HELIONYX_URL=f"https://127.0.0.1:{service.port}")
    assert done.returncode == 1
    assert "certificate verify failed" in done.stderr
