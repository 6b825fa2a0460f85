"""A service with HTTPS, whose certificate is renewed while it serves: real processes and files."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from services.api.renewal import Renewal, pair_of
from services.certificate import Loaded, Pair, load
from services.config import Config
from services.env_file import parse
from tests.services.api.test_drain import REQUEST, received
from tests.services.certificates import keys_of, pair_in, put, renew, served, trusting
from tests.services.instance import Instance, configure, listener, starting
from tests.services.load import load as busy
from tests.services.load import recorded


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return pair_in(tmp_path)


OFTEN = [
    *(sys.executable, "-c"),
    "from services.api import renewal, runner; renewal.LOOK_SECONDS = 0.05; raise SystemExit(runner.main())",
]
"""The service, which looks at its files more often."""


@contextlib.contextmanager
def secure(directory: Path, pair: Pair) -> Iterator[Instance]:
    """A service that is ready and speaks HTTPS."""
    environment = configure(directory, **keys_of(pair))
    with listener() as sock, starting(environment, OFTEN, sock=sock) as instance:
        instance.wait_ready()
        yield replace(instance, context=trusting())


def until(instance: Instance, message: str, count: int = 1) -> list[dict[str, object]]:
    """Wait for so many lines of the log with a message."""
    end = time.monotonic() + 10
    while len(entries := instance.entries(message)) < count:
        assert time.monotonic() < end, instance.logged()
        time.sleep(0.02)
    return entries


def pem(pair: Pair) -> str:
    """The certificate in its file."""
    return pair.certificate.read_text().partition("-----END")[0]


def test_a_renewed_certificate_is_served(tmp_path: Path, pair: Pair) -> None:
    """To new connections; open ones go on, and none of both is refused while only one file is new."""
    new_files = tmp_path / "new"
    new_files.mkdir()
    with secure(tmp_path, pair) as service:
        old = pem(pair)
        open_one = service.connect()
        assert served(service.address).startswith(old)
        new = pair_in(new_files, days=60)
        put(pair.certificate, new.certificate.read_bytes())
        (refused,) = until(service, _refusal(pair))
        assert refused["level"] == "warning"
        assert served(service.address).startswith(old)
        put(pair.key, new.key.read_bytes())
        (used,) = until(service, "new certificate in use")
        assert str(used["not_after"]) > "2026"
        assert served(service.address).startswith(pem(pair))
        assert pem(pair) != old
        (expiry,) = re.findall(
            r"^helionyx_tls_not_after_seconds (.*)$",
            service.call("GET", "/metrics").body.decode(),
            re.MULTILINE,
        )
        assert float(expiry) == load(pair).not_after.timestamp()
        open_one.sendall(REQUEST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        assert received(open_one).startswith(b"HTTP/1.1 200")
        assert service.call("GET", "/health").status == 200
        assert service.stop()[0] == 0
        assert len(service.entries(_refusal(pair))) == 1


def _refusal(pair: Pair) -> str:
    return (
        f"the new certificate is not used: the key in {pair.key} does not belong to the certificate"
        f" in {pair.certificate}"
    )


def test_a_renewal_and_a_restart_under_load(tmp_path: Path, pair: Pair) -> None:
    """Two processes on one socket in turn, of which one gets a new certificate: each request is answered."""
    environment = configure(tmp_path, **keys_of(pair))
    with contextlib.ExitStack() as stack:
        sock = stack.enter_context(listener())
        current = stack.enter_context(starting(environment, OFTEN, sock=sock))
        current.wait_ready()
        with busy(sock.getsockname(), trusting()) as clients:
            renew(pair, days=50)
            until(current, "new certificate in use")
            following = stack.enter_context(starting(environment, sock=sock))
            following.wait_ready()
            assert current.stop()[0] == 0
            current = following
        assert served(sock.getsockname()).startswith(pem(pair))
        assert current.stop()[0] == 0
    assert clients.failures == []
    assert len(clients.answered) > 100
    assert sorted(recorded(tmp_path / "events")) == sorted(clients.acknowledged)


def test_an_expired_certificate_is_served_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A restart with it takes the service no more down than the expiry did."""
    renewal = Renewal(pair_in(tmp_path, -1))

    async def begin() -> None:
        watching = asyncio.create_task(renewal.watch())
        await asyncio.sleep(0)
        watching.cancel()

    asyncio.run(begin())
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert record.message == "HTTPS is on, but the certificate has expired"


def test_a_service_without_its_certificate_does_not_start(tmp_path: Path, pair: Pair) -> None:
    """It never falls back to HTTP, and says why."""
    pair.key.unlink()
    with starting(configure(tmp_path, **keys_of(pair))) as service:
        code, logged = service.end()
    assert code == 78
    assert f"cannot read {pair.key}: No such file or directory" in logged


def test_a_copy_that_the_node_names_comes_first(tmp_path: Path) -> None:
    """The service cannot read the files in its configuration there."""
    keys = {"TLS_CERT_FILE": "/etc/tls/c.pem", "TLS_KEY_FILE": "/etc/tls/k.pem"}
    text = "".join(f"{key}={value}\n" for key, value in keys.items())
    text += f"API_HOST=127.0.0.1\nEVENT_STORE_PATH={tmp_path}/e\nPROJECTIONS_DB_PATH={tmp_path}/p.db\n"
    config = Config.of("dev", parse(text.encode()), "test")
    assert pair_of(config, {}) == Pair(Path("/etc/tls/c.pem"), Path("/etc/tls/k.pem"))
    copy = Path("/opt/helionyx/dev/tls.pem")
    assert pair_of(config, {"HELIONYX_TLS_FILE": str(copy)}) == Pair(copy, copy)


def test_files_that_change_while_they_are_read_are_looked_at_again(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state of the files is taken before they are read."""
    renewal = Renewal(pair)
    renew(pair, days=10)
    first = renewal.not_after

    def load_slowly(changing: Pair) -> Loaded:
        loaded = load(changing)
        renew(pair, days=20)
        return loaded

    monkeypatch.setattr("services.api.renewal.load", load_slowly)
    renewal.look()
    monkeypatch.undo()
    between = renewal.not_after
    renewal.look()
    assert first > renewal.not_after > between


def test_each_pair_is_read_once(pair: Pair, caplog: pytest.LogCaptureFixture) -> None:
    """Whether it fits or not: the log has one line for it."""
    caplog.set_level("INFO")
    renewal = Renewal(pair)
    for damage in (pair.key.unlink, lambda: renew(pair)):
        damage()
        for _ in range(3):
            renewal.look()
    assert [record.message for record in caplog.records] == [
        f"the new certificate is not used: cannot read {pair.key}: No such file or directory",
        "new certificate in use",
    ]
