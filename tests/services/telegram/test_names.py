"""A name server that never answers: whoever looks a name up waits, and a stop does not."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.api.loop import Loop
from tests.services.instance import MODULE, configure, listener, starting

SILENT = "127.77.77.77"
"""An address of loopback on which a name server listens and answers nothing."""

AROUND = ["/usr/bin/unshare", "--map-root-user", "--mount", "sh", "-c"]
SCRIPT = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'


@pytest.fixture
def names(tmp_path: Path) -> Iterator[tuple[Path, socket.socket]]:
    """A resolv.conf that names the silent server, and its socket."""
    if os.getuid() != 0:
        pytest.skip("port 53 is for root")
    path = tmp_path / "resolv.conf"
    path.write_text(f"nameserver {SILENT}\noptions timeout:10 attempts:2\n")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((SILENT, 53))
        server.settimeout(15)
        yield path, server


def test_a_stop_waits_for_no_name_server(tmp_path: Path, names: tuple[Path, socket.socket]) -> None:
    """The bot is in the middle of a look-up that takes 20 s; the service ends at once."""
    resolv, server = names
    keys = {
        "TELEGRAM_BOT_TOKEN": f"7000000001:AA{'x' * 30}",
        "TELEGRAM_API_URL": "https://bots.helionyx.test",
    }
    command = [*AROUND, SCRIPT, str(resolv), *MODULE]
    with listener() as sock, starting(configure(tmp_path, **keys), command, sock=sock) as service:
        service.wait_ready()
        assert server.recv(512), "somebody asks for the name"
        begun = time.monotonic()
        code, logged = service.stop()
        assert (code, "Traceback" in logged) == (0, False)
        assert time.monotonic() - begun < 2


def test_a_loop_looks_names_up_and_does_not_wait_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers and errors are the caller's; a look-up that hangs ends with the process."""
    with asyncio.Runner(loop_factory=Loop) as runner:
        look_up = runner.get_loop().getaddrinfo
        assert runner.run(look_up("127.0.0.1", 80, type=socket.SOCK_STREAM))[0][4] == ("127.0.0.1", 80)
        with pytest.raises(socket.gaierror):
            runner.run(look_up("256.256.256.256", 80, flags=socket.AI_NUMERICHOST))
        hangs = threading.Event()
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: hangs.wait())
        with pytest.raises(TimeoutError):
            runner.run(asyncio.wait_for(look_up("a.test", 80), 0.01))
        begun = time.monotonic()
    assert time.monotonic() - begun < 1
    hangs.set()
