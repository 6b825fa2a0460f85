"""What a process writes to standard error: its lines, and what is taken out of them."""

from __future__ import annotations

import json
import os
import pty
import re
import socket
import subprocess
import sys
from typing import Any

import pytest

from services.config import ROOT

TOKEN = "an-API-token'with\"quotes/and+more"
BOT = "987654321:AAH-the_token_of_a_bot_that_does_not_exist"

SET_UP = f"""
import logging, os, threading, warnings
from services.logs import REQUEST_ID, set_up
set_up(os.environ, "DEBUG", [{TOKEN!r}, {BOT!r}])
token, bot, log = {TOKEN!r}, {BOT!r}, logging.getLogger("helionyx")
"""


def run(code: str, stderr: int, **variables: str) -> None:
    """Run `code` in a process of its own, which logs to `stderr`."""
    command = [sys.executable, "-c", SET_UP + code]
    subprocess.run(command, cwd=ROOT, stderr=stderr, env=variables, timeout=30, check=False)


def written(code: str) -> str:
    """All that `code` writes where there is neither a journal nor a terminal."""
    reading, writing = os.pipe()
    with open(reading, "rb") as read:  # noqa: PTH123 - a descriptor
        run(code, writing)
        os.close(writing)
        return read.read().decode()


def entries(code: str) -> list[dict[str, Any]]:
    """The same, decoded: each line is one object."""
    return [json.loads(line) for line in written(code).splitlines()]


def test_a_line() -> None:
    """Time, level and message, then the fields that are known, as they are; nothing else."""
    fields = '{"a": 1, "unknown": None, "b": [1.5, None, True], "c": {"d": "ü"}}'
    (entry,) = entries(f'log.info("done %d", 5, extra={{"fields": {fields}}})')
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", entry.pop("time"))
    assert entry == {"level": "info", "message": "done 5", "a": 1, "b": [1.5, None, True], "c": {"d": "ü"}}


def test_a_line_of_somebody_else() -> None:
    """Libraries' lines and warnings have the same shape, and say whose they are; none hides the time."""
    found = entries(
        'logging.getLogger("lib").error("x", extra={"fields": {"time": 0, "message": "y"}});'
        'warnings.warn("old")'
    )
    assert [(entry["logger"], entry["level"]) for entry in found] == [
        ("lib", "error"),
        ("py.warnings", "warning"),
    ]
    assert found[0]["message"] == "x"
    assert found[0]["time"] != 0


def test_lines_of_a_request() -> None:
    """They have its id."""
    found = entries('log.info("a"); REQUEST_ID.set("r-1"); log.info("b")')
    assert ["request_id" in entry for entry in found] == [False, True]
    assert found[1]["request_id"] == "r-1"


TRACEBACK = """
def inner(): raise ValueError("broken\\non purpose")
def outer():
    try:
        inner()
    except ValueError as error:
        raise RuntimeError("because of it") from error
"""


def test_a_traceback_can_be_read_in_its_line() -> None:
    """One entry per frame with its code, the causes before, no escaped line end in any."""
    (entry,) = entries(f"{TRACEBACK}\ntry: outer()\nexcept RuntimeError: log.exception('failed')")
    assert (entry["message"], entry["error"]) == ("failed", "RuntimeError: because of it")
    assert entry["traceback"][-1] == "RuntimeError: because of it"
    assert "ValueError: broken" in entry["traceback"]
    assert any(re.fullmatch(r"<string>:\d+ in outer", item) for item in entry["traceback"])
    assert not any("\n" in item for item in entry["traceback"])
    (entry,) = entries("import json\ntry: json.loads('x')\nexcept ValueError: log.exception('failed')")
    frame = next(item for item in entry["traceback"] if " in raw_decode: " in item)
    assert frame.endswith('raise JSONDecodeError("Expecting value", s, err.value) from None')
    assert "\\n" not in json.dumps(entry)


@pytest.mark.parametrize(
    "code",
    [
        "raise ValueError('broken')",
        "thread = threading.Thread(target=lambda: 1 / 0); thread.start(); thread.join()",
        "class Broken:\n    def __del__(self): raise ValueError('x')\nBroken()",
    ],
    ids=["main", "thread", "finalizer"],
)
def test_what_nobody_catches_is_a_line(code: str) -> None:
    """Wherever it is raised."""
    (entry,) = entries(code)
    assert (entry["level"], entry["message"]) == ("critical", "a bug in the service")
    assert entry["traceback"]


LEAKS = {
    "message": "log.info('x ' + token + ' y'); log.info(bot)",
    "arguments": "log.info('%s %r', token, [token, {'a': bot}])",
    "arguments that do not fit": "log.info('%d %d', token, bot); log.info('a', token, bot)",
    "fields": "log.info('x', extra={'fields': {token: 1, 'a': [bot], 'b': {'c': (token,)}}})",
    "bytes": "log.info('x %r', bot.encode(), extra={'fields': {'a': token.encode()}})",
    "exception": "try: raise ValueError(token, {'a': bot})\nexcept ValueError: log.exception('x')",
    "cause": "try:\n    try: raise KeyError(bot)\n    except KeyError as e: raise OSError(5, token) from e\n"
    "except OSError: log.exception('x')",
    "notes": "try:\n    e = ValueError(); e.add_note(token); raise e\nexcept ValueError: log.exception('x')",
    "uncaught": "raise ValueError(token, bot)",
    "request": "REQUEST_ID.set(token); log.info(bot)",
    "object": "class A:\n    def __str__(self): return token\nlog.info(A(), extra={'fields': {'a': A()}})",
    "address": "from urllib.parse import quote\n"
    "log.info('https://api/bot' + bot + '/x?t=' + quote(token, safe=''))",
    "half of it": "log.info('key %s', bot.partition(':')[2])",
    "JSON": "import json\nlog.info(json.dumps({'a': token}))",
    "long": "log.info('x' * 3990 + token + 'y' * 90000)",
    "stack": "log.error(token, stack_info=True)",
}


@pytest.mark.parametrize("code", LEAKS.values(), ids=LEAKS)
def test_what_is_configured_as_secret_never_appears(code: str) -> None:
    """Whatever is logged, in whichever place and form; and every line is still one object."""
    text = written(code)
    assert [json.loads(line) for line in text.splitlines()]
    assert "[redacted]" in text
    for secret in (TOKEN, BOT, BOT.partition(":")[2], "an-API-token", "and+more", "and%2Bmore"):
        assert secret not in text


@pytest.mark.parametrize(
    "text",
    [
        "https://api.telegram.org/bot123456789:SECRETSECRETSECRETSECRETSECRET_-x/getMe",
        "bot123456789%3ASECRETSECRETSECRETSECRETSECRET_-x",
        "GET / HTTP/1.1\r\nAuthorization: Bearer SECRETSECRET\r\nHost: x",
        "authorization: Basic SECRET",
        'Authorization: Digest username="a", response="SECRET"',
        "{'Authorization': 'Bearer SECRET'}",
        "[(b'host', b'x'), (b'authorization', b'Basic SECRET')]",
        '{"headers": "{\\"authorization\\": \\"Token SECRET\\"}"}',
        "curl -H 'Proxy-Authorization: Basic SECRET' x",
        "a bearer SECRETSECRETSECRET somewhere",
    ],
)
def test_what_looks_like_a_secret_never_appears(text: str) -> None:
    """Tokens of other bots, and headers of other services."""
    found = written(
        f"log.info({text!r}); log.info('%r', {text!r}); log.info('x', extra={{'fields': {{'a': {text!r}}}}})"
    )
    assert len(found.splitlines()) == 3
    assert "SECRET" not in found


def test_headers_as_fields_are_secret() -> None:
    """By their name, whatever their value looks like."""
    found = written("""
headers = [(b"host", b"kept"), (b"authorization", b"hush")]
log.info("x", extra={"fields": {"headers": headers, "map": {"Authorization": "hush", "host": "kept"}}})
""")
    assert "hush" not in found
    assert found.count("kept") == 2


def test_ordinary_words_stay() -> None:
    """Times, addresses, hashes and ids are no secrets."""
    text = (
        "12:30:45 [::1]:8000 basic understanding 2026-01-02T03:04:05.000Z a:0123456789abcdef bearer of news"
    )
    assert entries(f"log.info({text!r})")[0]["message"] == text


@pytest.mark.parametrize(
    "code",
    [
        "log.info('a\\nb\\r\\x1b[31m\\x85\\u2028\\u202e\\ud800')",
        "log.info('x' * 200000, extra={'fields': {str(n): 'y' * 3000 for n in range(50)}})",
        "loop = []; loop.append(loop); log.info('x', extra={'fields': {'a': loop}})",
        "class A:\n    def __str__(self): raise ValueError\nlog.info(A()); log.info('%s', A())",
        "log.info('x', extra={'fields': {'a': float('nan'), 'b': float('inf')}})",
        "def f(): f()\ntry: f()\nexcept RecursionError: log.exception('x')",
        "log.info('\\u0080' * 200000)",
    ],
    ids=["control characters", "long", "endless", "broken", "no number", "recursion", "wide"],
)
def test_a_line_stays_a_line(code: str) -> None:
    """Printable, and short enough for journald, whatever is logged."""
    text = written(code)
    assert text
    assert text.isprintable() or text.replace("\n", "").isprintable()
    for line in text.splitlines():
        assert json.loads(line)["message"]
        assert len(line.encode()) < 48 * 1024


def test_in_the_journal() -> None:
    """The priority stands in front, where journald takes it off; only where the stream is the journal's."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        found = os.fstat(theirs.fileno())
        for stream in (f"{found.st_dev}:{found.st_ino}", f"{found.st_dev}:{found.st_ino + 1}"):
            run("log.error('a'); log.info('b'); log.debug('c')", theirs.fileno(), JOURNAL_STREAM=stream)
        lines = ours.recv(65536).decode().splitlines()
    assert [line[: line.index("{")] for line in lines] == ["<3>", "<6>", "<7>", "", "", ""]


def test_on_a_terminal() -> None:
    """A person reads it: no JSON, a traceback and a hint on lines of their own, nothing that it obeys."""
    controller, terminal = pty.openpty()
    run(
        "from services.logs import log_failure\nfrom services.errors import HelionyxError\n"
        "log.info('a %s', token, extra={'fields': {'b': 1}}); log_failure(HelionyxError('c\\n  - d', 'e'))\n"
        "log.info('\\x1b[31m'); 1 / 0",
        terminal,
    )
    lines = os.read(controller, 65536).decode().splitlines()
    os.close(controller)
    os.close(terminal)
    assert re.fullmatch(r"\d\d:\d\d:\d\d INFO    a \[redacted\] b=1", lines[0])
    assert lines[1].endswith("ERROR   c")
    assert lines[2:4] == ["    - d", "    hint: e"]
    assert lines[4].endswith("INFO    \\u001b[31m")
    assert lines[5].endswith("a bug in the service error=ZeroDivisionError: division by zero")
    assert lines[-1] == "    ZeroDivisionError: division by zero"
