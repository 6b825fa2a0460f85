"""What it means that a call of the Bot API fails."""

from __future__ import annotations

import asyncio
import sys
from subprocess import run

import httpx
import pytest
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)

from services.config import ROOT
from services.telegram.backoff import Stop, seconds_before
from services.telegram.calls import Request, is_certain, may_pass, reason_of, wait_of

TOKEN = "123456789:AAF-a_token_that_is_long_enough"


def of(cause: Exception, error: TelegramError | None = None) -> TelegramError:
    """An error as the library raises it for what lies below."""
    made = error or NetworkError(f"httpx.X: https://api.telegram.org/bot{TOKEN}/getMe")
    made.__cause__ = cause
    return made


@pytest.mark.parametrize(
    ("error", "certain", "passes"),
    [
        (BadRequest("chat not found"), True, False),
        (Forbidden("blocked"), True, False),
        (InvalidToken("no"), True, False),
        (ChatMigrated(-1), True, False),
        (RetryAfter(5), True, True),
        (Conflict("another"), True, True),
        (of(httpx.ConnectError("x")), True, True),
        (of(httpx.ConnectTimeout("x"), TimedOut()), True, True),
        (of(httpx.PoolTimeout("x"), TimedOut()), True, True),
        (of(httpx.ReadTimeout("x"), TimedOut()), False, True),
        (of(httpx.ReadError("x")), False, True),
        (of(httpx.WriteError("x")), False, True),
        (of(httpx.RemoteProtocolError("x")), False, True),
        (NetworkError("Bad Gateway"), False, True),
        (TelegramError("Invalid server response"), False, False),
    ],
    ids=lambda value: repr(getattr(value, "__cause__", None) or value)[:40],
)
def test_what_is_certain(error: TelegramError, certain: bool, passes: bool) -> None:
    """A refusal was not done, nor what never went out; of all else nobody knows."""
    assert (is_certain(error), may_pass(error)) == (certain, passes)
    reason = reason_of(error)
    assert TOKEN not in reason
    assert TOKEN.partition(":")[2] not in reason


def test_telegram_may_say_how_long_to_wait() -> None:
    """In seconds."""
    assert wait_of(RetryAfter(5)) == 5
    assert wait_of(NetworkError("x")) is None


def answered(status: int, body: str) -> TelegramError:
    """The error of a call that is answered with this."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write((head + body).encode())
        await writer.drain()
        writer.close()

    async def call() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        async with server, Request() as request:
            await request.post(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")

    with pytest.raises(TelegramError) as raised:
        asyncio.run(call())
    return raised.value


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        ('{"ok":false,"parameters":{"retry_after":7}}', 7),
        ('{"ok":false,"parameters":{"retry_after":0}}', 0),
        ('{"ok":false,"parameters":{"retry_after":-5}}', 0),
        ('{"ok":false,"parameters":{"retry_after":"7"}}', 0),
        ('{"ok":false,"parameters":{"retry_after":1000000000000000}}', 86400),
        ('{"ok":false,"parameters":[]}', 0),
        ('{"ok":false}', 0),
        ("[]", 0),
        ("<html>slow down</html>", 0),
    ],
)
def test_every_429_passes(body: str, seconds: float) -> None:
    """Every wait that a 429 asks for is accepted, up to a day."""
    error = answered(429, body)
    assert (is_certain(error), may_pass(error), wait_of(error)) == (True, True, seconds)


@pytest.mark.parametrize("body", ["<html>not here</html>", "[]", "null", '"x"', ""])
@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 413, 502])
def test_an_answer_that_is_not_from_telegram(status: int, body: str) -> None:
    """Such as the page of a proxy: it says nothing of the token, the chat or the message."""
    error = answered(status, body)
    assert not isinstance(error, BadRequest | Forbidden | InvalidToken)
    assert not is_certain(error)


def test_a_success_without_a_result() -> None:
    """Is an answer of something else."""
    assert not is_certain(answered(200, '{"status":"up"}'))


def test_waits_grow_up_to_a_limit() -> None:
    """Twice as long each time."""
    assert [seconds_before(attempt) for attempt in (1, 2, 3, 8, 100_000)] == [0.5, 1, 2, 60, 60]


def test_a_stop_ends_every_wait() -> None:
    """What is waited for is cut off."""

    async def check() -> None:
        stop = Stop()
        assert not await stop.within(0.01)
        assert await stop.unless(asyncio.sleep(0, "done")) == "done"
        asyncio.get_running_loop().call_later(0.05, stop.ask)
        assert await stop.unless(asyncio.sleep(60, "never")) is None
        assert await stop.within(60)

    asyncio.run(asyncio.wait_for(check(), 5))


def test_the_library_is_not_loaded_with_the_service() -> None:
    """It would make every start a second slower: it comes once the service is ready, where there is a bot."""
    code = (
        "import sys, services.bootstrap, services.api.runner, services.api.server\n"
        "print([name for name in ('telegram', 'httpx') if name in sys.modules])"
    )
    done = run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"
