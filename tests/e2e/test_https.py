"""HTTPS on a node: a certificate that root alone can read, its renewal in use, and its end."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import ssl
import threading
import time
from pathlib import Path

import pytest

from deployment.host.values.layout import Environment
from services.certificate import Pair
from tests.services.certificates import pair_in, trusting
from tests.services.instance import Connection, exchange

from .operator import LIMIT, PORTS, Operator

LIVE = "/etc/letsencrypt/live/helionyx.example"
KEYS = f"TLS_CERT_FILE={LIVE}/fullchain.pem\nTLS_KEY_FILE={LIVE}/privkey.pem\n"
DEV = Environment("dev")


def install(operator: Operator, pair: Pair, number: int, *, pause: float = 0.0) -> None:
    """Install a pair as certbot does: links that only root can follow, replaced one after the other.

    Each is replaced at once, so that systemd never sees that one is gone.
    """
    archive = LIVE.replace("/live/", "/archive/")
    script = f"umask 077; mkdir -p {LIVE} {archive}; chmod 700 /etc/letsencrypt/live /etc/letsencrypt/archive"
    for path in (pair.certificate, pair.key):
        file = f"{archive}/{path.stem}{number}.pem"
        script += f"\ncat > {file} <<'END'\n{path.read_text()}END\n"
    for path in (pair.certificate, pair.key):
        script += f"ln -sfT {archive}/{path.stem}{number}.pem {LIVE}/{path.name}"
        script += f"; sleep {pause}\n"
    operator.on_node("sh", "-c", script)


def served(operator: Operator) -> str:
    """The certificate that dev presents to a caller who trusts its authority: the digest."""
    connection = Connection((operator.node.address, PORTS["dev"]), context=trusting())
    try:
        assert exchange(connection, "GET", "/health").json["environment"] == "dev"
        assert isinstance(connection.sock, ssl.SSLSocket)
        return hashlib.sha256(connection.sock.getpeercert(binary_form=True) or b"").hexdigest()
    finally:
        connection.close()


def await_served(operator: Operator, pair: Pair) -> None:
    """Wait until dev presents the certificate of a pair."""
    end = time.monotonic() + LIMIT
    while True:
        with contextlib.suppress(OSError):  # the node boots
            if served(operator) == digest(pair):
                return
        assert time.monotonic() < end
        time.sleep(0.1)


def digest(pair: Pair) -> str:
    text = pair.certificate.read_text()
    return hashlib.sha256(
        ssl.PEM_cert_to_DER_cert(text[: text.index("-----END")] + "-----END CERTIFICATE-----")
    ).hexdigest()


def new_pair(directory: Path, name: str, days: float = 90.0) -> Pair:
    (directory / name).mkdir()
    return pair_in(directory / name, days)


@pytest.mark.faults
def test_a_pair_that_cannot_be_served_is_refused(settled: Operator, tmp_path: Path) -> None:
    """With the reason, while dev goes on as it was."""
    first, second = new_pair(tmp_path, "first"), new_pair(tmp_path, "second")
    expired = new_pair(tmp_path, "expired", days=-1)
    settled.configure("dev", "API_PORT=", f"{KEYS}API_PORT=")
    before = settled.pid("dev")
    for number, (pair, reason) in enumerate(
        (
            (Pair(first.certificate, second.key), "the key in /etc/letsencrypt"),
            (
                expired,
                f"the certificate in {LIVE}/fullchain.pem expired at 20",
            ),
        )
    ):
        install(settled, pair, number)
        refused = settled.deploy("dev", code=3)
        assert f"HTTPS is not possible: {reason}" in refused["message"]
        assert settled.pid("dev") == before
        assert settled.health("dev")["environment"] == "dev"
        assert settled.node.run(["test", "-e", str(DEV.certificate)]).returncode == 1
    settled.configure("dev", KEYS, "")


def test_a_certificate_is_served_and_renewed(settled: Operator, tmp_path: Path) -> None:
    """Without a restart, though the service cannot read the files that are renewed."""
    first, second = new_pair(tmp_path, "first"), new_pair(tmp_path, "second", days=60)
    settled.configure("dev", "API_PORT=", f"{KEYS}API_PORT=")
    install(settled, first, 2)
    settled.deploy("dev")
    assert served(settled) == digest(first)
    assert settled.status("dev")["state"] == "running"
    assert "ready        yes" in settled.on_node("/opt/helionyx/dev/current/helionyx", "status")
    rights = settled.on_node("stat", "--format=%U:%G %a", str(DEV.certificate))
    assert rights == "root:helionyx-dev 640\n"
    process = settled.pid("dev")
    install(settled, second, 3, pause=0.2)
    await_served(settled, second)
    assert settled.pid("dev") == process
    assert settled.deploy("dev")["outcome"] == "nothing"


@pytest.mark.faults
def test_a_certificate_is_renewed_while_the_service_is_down(dev: Operator, tmp_path: Path) -> None:
    """A start takes what is new, also after a reboot; a deploy without HTTPS and a removal leave nothing."""
    names = ("second", "third", "fourth")
    second, third, fourth = (new_pair(tmp_path, name) for name in names)
    dev.configure("dev", "API_PORT=", f"{KEYS}API_PORT=")
    install(dev, second, 3)
    dev.deploy("dev")
    dev.change("stop", "dev")
    assert dev.node.run(["systemctl", "is-active", DEV.tls_path]).stdout == "inactive\n"
    install(dev, third, 4)
    dev.change("start", "dev")
    assert served(dev) == digest(third)
    dev.node.reboot()
    await_served(dev, third)
    for number, pair in enumerate((fourth, third, fourth, third, fourth), 5):
        install(dev, pair, number)
        await_served(dev, pair)
    assert "valid for 89 days" in dev.script("doctor", "dev").stdout

    dev.configure("dev", KEYS, "")
    dev.deploy("dev")
    assert dev.health("dev")["environment"] == "dev"
    left = dev.on_node("sh", "-c", f"ls {DEV.certificate} /etc/systemd/system/*-tls.* 2>&1 || true")
    assert left.count("No such file") == 2
    assert dev.node.run(["systemctl", "is-active", DEV.tls_path]).stdout == "inactive\n"

    dev.configure("dev", "API_PORT=", f"{KEYS}API_PORT=")
    dev.deploy("dev")
    assert served(dev) == digest(fourth)
    dev.change("remove", "dev", DATA="delete", CONFIRM="dev")
    left = dev.on_node("sh", "-c", f"ls {DEV.certificate} /etc/systemd/system/*-tls.* 2>&1 || true")
    assert left.count("No such file") == 2


def call_until(over: threading.Event, operator: Operator, failures: list[str], *, keep: bool) -> None:
    """Call dev again and again, on one connection or each time on a new one."""
    connection = Connection((operator.node.address, PORTS["dev"]), 20, trusting())
    while not over.is_set():
        try:
            answer = exchange(connection, "GET", "/health")
            if answer.status != 200:
                failures.append(f"{answer.status} {answer.body!r}")
        except (OSError, http.client.HTTPException) as error:
            failures.append(repr(error))
        if not keep:
            connection.close()
    connection.close()


@pytest.mark.faults
def test_a_switch_and_a_renewal_lose_no_request(dev: Operator, tmp_path: Path) -> None:
    """Callers by HTTPS notice neither of both."""
    first, second = new_pair(tmp_path, "first"), new_pair(tmp_path, "second")
    dev.configure("dev", "API_PORT=", f"{KEYS}API_PORT=")
    install(dev, first, 1)
    dev.deploy("dev")
    over, failures = threading.Event(), list[str]()
    callers = [
        threading.Thread(target=call_until, args=(over, dev, failures), kwargs={"keep": number % 2 == 0})
        for number in range(4)
    ]
    for caller in callers:
        caller.start()
    try:
        install(dev, second, 2)
        await_served(dev, second)
        dev.commit("services/nothing.py", "")
        assert dev.deploy("dev")["outcome"] == "done"
    finally:
        over.set()
        for caller in callers:
            caller.join()
    assert failures == []
    assert dev.status("dev")["state"] == "running"
    assert served(dev) == digest(second)
