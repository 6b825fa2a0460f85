"""docs/OPERATIONS.md: its proxies pass everything on, and its alerts fire."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.debian import program
from tests.documents import block
from tests.services.certificates import keys_of, pair_in, trusting
from tests.services.instance import TOKEN, Instance, free_port, running

NAME = "helionyx.example.org"
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}
CALLER = "127.0.0.2"
CLAIMED = "198.51.100.7"  # RFC 5737: for documentation


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """A service on loopback, behind a proxy there."""
    with running(tmp_path_factory.mktemp("service"), TRUSTED_PROXIES="127.0.0.1") as instance:
        yield instance


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of our own for the name in the guide, and its key."""
    directory = tmp_path_factory.mktemp("certificate")
    paths = directory / "fullchain.pem", directory / "privkey.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-nodes", "-days", "2", "-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"),
            *("-out", paths[0], "-keyout", paths[1]),
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )
    return paths


Proxy = Callable[[Path, int, int, tuple[Path, Path]], AbstractContextManager[None]]


@contextmanager
def started(argv: list[str], port: int, directory: Path) -> Iterator[None]:
    """A proxy that listens on this port, until the end."""
    environ = {**os.environ, "HOME": str(directory), "XDG_DATA_HOME": str(directory)}
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(argv, env=environ, stdout=log, stderr=log, start_new_session=True)
        try:
            end = time.monotonic() + 20
            while True:
                assert process.poll() is None, (directory / "log").read_text()
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except OSError:
                    assert time.monotonic() < end
                    time.sleep(0.02)
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=10)


@contextmanager
def nginx(directory: Path, port: int, upstream: int, certificate: tuple[Path, Path]) -> Iterator[None]:
    """nginx with the server of the guide, on another port, with another upstream and certificate."""
    server = block("OPERATIONS.md", "server {")
    server = re.sub(r"listen (\[::\]:)?443 ssl http2;\n", "", server, count=1)
    server = re.sub(r"listen .*;", f"listen 127.0.0.1:{port} ssl http2;", server)
    server = server.replace("127.0.0.1:8002", f"127.0.0.1:{upstream}")
    for path, name in zip(certificate, ("fullchain", "privkey"), strict=True):
        server = server.replace(f"/etc/letsencrypt/live/{NAME}/{name}.pem", str(path))
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "".join(f"{kind}_temp_path {directory}/{kind};\n" for kind in kinds)
    text = f"daemon off;\nmaster_process off;\npid {directory}/pid;\nerror_log stderr;\nevents {{}}\n"
    (directory / "nginx.conf").write_text(f"{text}http {{\naccess_log off;\n{paths}{server}}}\n")
    binary = program("nginx", "usr/sbin/nginx")
    with started([str(binary), "-p", str(directory), "-c", f"{directory}/nginx.conf"], port, directory):
        yield


@contextmanager
def caddy(directory: Path, port: int, upstream: int, certificate: tuple[Path, Path]) -> Iterator[None]:
    """Caddy with the site of the guide; what differs are port, upstream and the certificate."""
    site = block("OPERATIONS.md", f"{NAME} {{").replace("127.0.0.1:8002", f"127.0.0.1:{upstream}")
    site = site.replace(f"{NAME} {{", f"{NAME}:{port} {{\n    tls {certificate[0]} {certificate[1]}")
    (directory / "Caddyfile").write_text(f"{{\n    admin off\n    auto_https disable_redirects\n}}\n{site}")
    binary = program("caddy", "usr/bin/caddy")
    argv = [str(binary), "run", "--adapter", "caddyfile", "--config", f"{directory}/Caddyfile"]
    with started(argv, port, directory):
        yield


class Named(http.client.HTTPSConnection):
    """A connection to the name in the guide, on a port of this machine."""

    def __init__(self, port: int, certificate: Path) -> None:
        self._context = ssl.create_default_context(cafile=str(certificate))
        super().__init__(NAME, port, timeout=20, context=self._context)

    def connect(self) -> None:
        """Called before the first request."""
        own = (CALLER, 0)
        plain = socket.create_connection(("127.0.0.1", self.port), self.timeout, source_address=own)
        self.sock = self._context.wrap_socket(plain, server_hostname=NAME)


@pytest.mark.parametrize("proxy", [nginx, caddy])
def test_proxy_passes_requests_and_the_stream_on(
    proxy: Proxy, service: Instance, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    """An event arrives while the stream is open; the request log has the caller, whatever that one claims.

    The service knows that the caller speaks HTTPS: its cookie is for that alone.
    """
    port = free_port()
    with proxy(tmp_path, port, service.port, certificate):
        stream, other = Named(port, certificate[0]), Named(port, certificate[0])
        stream.request("GET", "/api/v1/events/stream", headers=AUTHORIZED)
        answer = stream.getresponse()
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        body = json.dumps({"text": f"said through port {port}"})
        claimed = {**AUTHORIZED, "Content-Type": "application/json", "X-Forwarded-For": CLAIMED}
        other.request("POST", "/api/v1/messages", body, claimed)
        assert other.getresponse().status == 201
        form = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Host": NAME,
            "Origin": f"https://{NAME}",
        }
        login = Named(port, certificate[0])
        login.request("POST", "/login", urlencode({"token": TOKEN}), form)
        assert "; secure" in (login.getresponse().headers["Set-Cookie"] or "").lower()
        login.close()
        lines = iter(answer.readline, b"")
        assert any(f"said through port {port}".encode() in line for line in lines)
        stream.close()
        other.close()
    requests = [entry for entry in service.entries() if entry.get("path") == "/api/v1/messages"]
    assert requests[-1]["client"] == CALLER


def test_prometheus_accepts_the_configuration_and_the_rules(tmp_path: Path) -> None:
    """As promtool reads them."""
    promtool = program("prometheus", "usr/bin/promtool")
    (tmp_path / "token").write_text("secret")
    rules = tmp_path / "helionyx.rules.yml"
    rules.write_text(block("OPERATIONS.md", "groups:"))
    config = block("OPERATIONS.md", "scrape_configs:").replace(
        "/etc/prometheus/helionyx.rules.yml", str(rules)
    )
    (tmp_path / "prometheus.yml").write_text(
        config.replace("/etc/prometheus/helionyx-live.token", str(tmp_path / "token"))
    )
    subprocess.run([promtool, "check", "config", tmp_path / "prometheus.yml"], check=True, timeout=60)


def test_alerts_use_metrics_that_there_are(tmp_path: Path) -> None:
    """Each name in an expression is one that a service gives, some of them with HTTPS alone."""
    with running(tmp_path, **keys_of(pair_in(tmp_path))) as service:
        secure = replace(service, context=trusting())
        secure.call("GET", "/api/v1/messages")  # a request to count
        given = secure.call("GET", "/metrics").body.decode()
    words = re.findall(
        r"\b(?:helionyx|process)_[a-z_]+", re.sub(r"annotations: .*", "", block("OPERATIONS.md", "groups:"))
    )
    assert len(words) > 6
    assert [word for word in words if not re.search(rf"^{word}\b", given, re.MULTILINE)] == []


CASES = """
rule_files: [helionyx.rules.yml]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - {series: 'up{job="helionyx", instance="n"}', values: '1x9 0x20'}
      - {series: 'helionyx_ready{instance="n"}', values: '1x9 0x20'}
      - {series: 'process_start_time_seconds{job="helionyx", instance="n"}', values: '5x9 6+1x20'}
      - {series: 'helionyx_requests_total{instance="n", status="200"}', values: '0+60x30'}
      - {series: 'helionyx_requests_total{instance="n", status="503"}', values: '0x9 0+10x20'}
      - {series: 'helionyx_events_total{instance="n"}', values: '10x30'}
      - {series: 'helionyx_projections_position{instance="n"}', values: '10x9 9x20'}
      - {series: 'helionyx_event_log_commit_duration_seconds_bucket{instance="n", le="0.1"}',
         values: '0+60x9 600x30'}
      - {series: 'helionyx_event_log_commit_duration_seconds_bucket{instance="n", le="2"}',
         values: '0+60x9 600+60x30'}
      - {series: 'helionyx_event_log_commit_duration_seconds_bucket{instance="n", le="+Inf"}',
         values: '0+60x9 600+60x30'}
      - {series: 'helionyx_last_backup_timestamp_seconds{instance="n"}', values: '0x9 -200000x20'}
      - {series: 'helionyx_tls_not_after_seconds{instance="n"}', values: '9999999x9 1000000x20'}
      - {series: 'helionyx_telegram_state{instance="n", state="conflict"}', values: '0x9 1x20'}
    alert_rule_test:
"""


def test_each_alert_fires(tmp_path: Path) -> None:
    """Once the trouble of its kind, which begins after nine minutes, has lasted; and not before."""
    rules = block("OPERATIONS.md", "groups:")
    (tmp_path / "helionyx.rules.yml").write_text(rules)
    names = re.findall(r"alert: (\w+)", rules)
    assert _firing(tmp_path, names, "8m") == []
    assert _firing(tmp_path, names, "29m") == names


def _firing(directory: Path, names: list[str], at: str) -> list[str]:
    """The alerts that fire at that time, as promtool tells them where none is expected."""
    expected = [f"      - {{alertname: {name}, eval_time: {at}, exp_alerts: []}}\n" for name in names]
    (directory / "cases.yml").write_text(CASES + "".join(expected))
    promtool = program("prometheus", "usr/bin/promtool")
    argv = [str(promtool), "test", "rules", "cases.yml"]
    done = subprocess.run(argv, cwd=directory, capture_output=True, text=True, check=False, timeout=60)
    firing = re.findall(r"alertname: ?(\w+), time", done.stdout + done.stderr)
    assert done.returncode == bool(firing), done.stderr
    return firing
