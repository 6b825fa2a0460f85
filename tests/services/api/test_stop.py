"""How a stop ends what does not end by itself: without a word of a bug, and not later than it must."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from pathlib import Path

import pytest

from services.api import server
from services.api.request_log import observed
from services.api.server import GRACE_SECONDS, DrainingServer
from tests.services.api.test_limits import app, problem
from tests.services.instance import TOKEN, listener, running

FOLLOW = f"GET /api/v1/events/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode()


def test_streams_that_nobody_reads(tmp_path: Path) -> None:
    """They are cut, and do not hold the stop up for the whole grace; nothing of it is a bug."""
    with running(tmp_path) as instance:
        body = json.dumps({"text": "é" * 30_000}, ensure_ascii=False).encode()
        for _ in range(40):
            assert instance.call("POST", "/api/v1/messages", body).status == 201
        followers = []
        for _ in range(3):
            follower = socket.socket()
            follower.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            follower.connect(("127.0.0.1", instance.port))
            follower.sendall(FOLLOW)
            followers.append(follower)
        time.sleep(0.5)
        begun = time.monotonic()
        code, _ = instance.stop()
        assert code == 0
        assert time.monotonic() - begun < GRACE_SECONDS
        for follower in followers:
            follower.close()
        told = [entry for entry in instance.entries() if entry["level"] != "info"]
        streams = [entry for entry in instance.entries("answered") if entry["path"].endswith("/stream")]
    assert [entry["message"] for entry in told] == [
        "connection closed: the client does not read the answer"
    ] * 3
    assert [entry["status"] for entry in streams] == [200] * 3


@pytest.mark.parametrize("path", ["stuck", "halting"])
def test_what_is_not_done_when_the_grace_is_over(
    path: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Has no answer yet: it gets one that says so. Has begun one: that stays incomplete."""
    monkeypatch.setattr(server, "GRACE_SECONDS", 0.3)
    answered: list[int | None] = []

    async def run() -> bytes:
        draining = DrainingServer(observed(app, lambda _scope, status, _seconds: answered.append(status)))
        with listener() as sock:
            serving = asyncio.create_task(draining.serve([sock.dup()]))
            await draining.serving.wait()
            reader, writer = await asyncio.open_connection(*sock.getsockname())
            writer.write(b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n" % path.encode())
            await asyncio.sleep(0.1)
            draining.stop()
            await asyncio.wait_for(serving, 10)
            found = await reader.read()
            writer.close()
        return found

    found = asyncio.run(run())
    if path == "stuck":
        assert problem(found)["status"] == 503
    else:
        assert not found.endswith(b"0\r\n\r\n")
    assert answered == [503 if path == "stuck" else 200]
    assert [record.levelname for record in caplog.records if record.levelname == "ERROR"] == []
