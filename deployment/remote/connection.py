"""The one connection to the node: ssh, or the same program started here for NODE=local."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import select
import shlex
import subprocess
from collections.abc import Callable, Mapping
from typing import IO, Any, Protocol

from ..errors import REFUSED, DeployError
from ..host.releases import zipapp
from ..host.values.printable import LONGEST as LONGEST_TEXT
from ..host.values.printable import printable
from ..settings import Settings
from . import program
from .lost import Lost, explain, noise, not_installed, silent
from .messages import LONGEST, MOST, M, Program, Result, parse, unexpected
from .tail import Tail

SSH = (
    *("-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10"),
    *("-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=3"),
)
SILENCE = 300.0  # seconds without a word from the node: longer than any single step may take there
FIRST = 60.0  # seconds until its first word: longer than a login may take
ENDING = 10.0  # seconds until a program has ended that has closed its output
LONGEST_FIRST = 1 << 16  # bytes of that word
BEGINNINGS = ("program", "hello", "result")  # the types of that word
CHUNK = 1 << 16


class Sink(Protocol):
    """A file or a filter that takes a node's output."""

    def write(self, data: bytes, /) -> object: ...
    def flush(self) -> None: ...


class Connection:
    """A conversation with the host half. Everything is a JSON line, but for the blobs that we send."""

    def __init__(self, settings: Settings, node: str = "") -> None:
        self.node = node or settings.node
        self._program = program.modules()
        argv = arguments(settings, self.node, zipapp.digest(self._program))
        try:
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,  # env stays: ssh, its agents and its proxies may need any of it
            )
        except FileNotFoundError:
            raise not_installed(argv[0]) from None
        assert self._process.stderr is not None
        self._errors = Tail(self._process.stderr)
        self._options = settings.ssh_options
        self._ahead = b""
        self._heard = 0  # messages so far

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def say(self, **content: Any) -> None:
        """One line to the node."""
        self._send(json.dumps(content).encode() + b"\n")

    def blob(self, source: IO[bytes], size: int, digest: str, sent: Callable[[int], None]) -> None:
        """Announce and send the first `size` bytes of a file; `sent` hears how many have gone each time.

        Raises `DeployError` where there are no more so many: the node then gets none of it that counts.
        """
        self.say(size=size, sha256=digest)
        remaining = size
        while remaining:
            data = source.read(min(CHUNK, remaining))
            if not data:
                raise DeployError("the file has become shorter since it was looked at.", "try again")
            self._send(data)
            sent(len(data))
            remaining -= len(data)

    def answer(self, *expected: type[M], codes: Mapping[str, int] | None = None) -> M:
        """The next message, which is one of those expected. Raises `DeployError` where the node refuses.

        `codes` are the exit codes of outcomes, for a question that does more than look.
        """
        message = self.hear(*expected)
        if not isinstance(message, expected):
            assert isinstance(message, Result)
            raise refusal(self.node, message, (codes or {}).get(message.outcome, REFUSED))
        return message

    def hear(self, *expected: type[M]) -> M | Result:
        """Return the node's next message, which is one of those expected. Raises `Lost` when there is none.

        Send the host half first if the node does not have it. Raises `DeployError` for any other message.
        """
        line = self._line()
        if not self._heard:
            kind = _type_of(line)
            if kind not in BEGINNINGS:
                raise noise(self.node, line)
            self._heard = 1
            if kind == Program.type:
                request = parse(self.node, line, (Program,))
                assert isinstance(request, Program)
                content = program.build(self._program, request.byte_code)
                self._send(f"{len(content)}\n".encode() + content)
                line = self._line()
        self._heard += 1
        if self._heard > MOST:
            raise unexpected(self.node, f"more than {MOST} messages")
        return parse(self.node, line, expected)

    def _line(self) -> bytes:
        """The next line, without its end."""
        content, searched = bytearray(self._ahead), 0
        while (end := content.find(b"\n", searched)) < 0:
            searched = len(content)
            if searched > (LONGEST if self._heard else LONGEST_FIRST):
                shown = bytes(content[:100])
                raise unexpected(self.node, "a line without end") if self._heard else noise(self.node, shown)
            data = self._read()
            if not data:
                raise self._why()
            content += data
        self._ahead = bytes(content[end + 1 :])
        return bytes(content[:end])

    def take(self, size: int, sink: IO[bytes], came: Callable[[int], None]) -> str:
        """The next `size` bytes of the node's into a file; `came` hears how many each time. Their SHA-256.

        Raises `Lost` where they end before.
        """
        digest = hashlib.sha256()
        while size > 0:
            self._ahead = self._ahead or self._read()
            if not self._ahead:
                raise self._why()
            data, self._ahead = self._ahead[:size], self._ahead[size:]
            digest.update(data)
            sink.write(data)
            came(len(data))
            size -= len(data)
        return digest.hexdigest()

    def relay(self, sink: Sink) -> None:
        """Copy all further output of the node, until it ends. Raises `DeployError` with its last words."""
        data = self._ahead
        while data or (data := os.read(self._out, CHUNK)):
            sink.write(data)
            sink.flush()
            data = b""
        code, words = self._last_words()
        if code:
            raise explain(self.node, code, words, self._options)

    def close(self) -> None:
        """End the connection. A change that the node has begun continues there.

        Do not wait for the far end of ssh: its result has arrived already. Without ssh the process ends by
        itself, and clears up what it has to.
        """
        with contextlib.suppress(BrokenPipeError):
            self._in.close()
        if self.node != "local":
            self._process.terminate()
        self._ended(5)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _ended(self, seconds: float) -> int:
        """Wait for the program, end it if it takes longer, and return its exit code."""
        for end in (self._process.terminate, self._process.kill):
            try:
                return self._process.wait(timeout=seconds)
            except subprocess.TimeoutExpired:  # the output is closed, and the program has not ended
                end()
        return self._process.wait()

    @property
    def _in(self) -> IO[bytes]:
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def _out(self) -> int:
        assert self._process.stdout is not None
        return self._process.stdout.fileno()

    def _send(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._in.fileno(), view) :]
        except BrokenPipeError:
            return  # the node has ended; `hear` has its last word, which may be a refusal

    def _read(self) -> bytes:
        limit = SILENCE if self._heard else FIRST
        if not select.select([self._out], [], [], limit)[0]:
            self._process.terminate()
            raise silent(self.node, limit, self._options, started=bool(self._heard))
        return os.read(self._out, CHUNK)

    def _why(self) -> Lost:
        """Explain the last words of ssh, sudo or Python in one sentence of ours."""
        return explain(self.node, *self._last_words(), self._options)

    def _last_words(self) -> tuple[int, list[str]]:
        code = self._ended(ENDING)
        words = self._errors.text().strip().splitlines()
        return code, [printable(word.strip(), LONGEST_TEXT) for word in words if word.strip()]


def _type_of(line: bytes) -> str | None:
    """The type of a message; None for a line that is none."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    kind = value.get("type") if isinstance(value, dict) else None
    return kind if isinstance(kind, str) else None


def refusal(node: str, result: Result, code: int) -> DeployError:
    """A result of the node's as an error, in the node's own words."""
    message = result.message or result.outcome
    return DeployError(message, result.hint, code=code, details=result.details, answered_by=node)


def arguments(settings: Settings, node: str, digest: str) -> list[str]:
    """Return the command line of the connection, for the host half of that digest."""
    command = program.command(digest)
    if node == "local":
        return command
    return ssh(settings, node, shlex.join(command))


def ssh(settings: Settings, node: str, command: str, *more: str) -> list[str]:
    """The command line of ssh for a command that the login shell there reads; `more` are options."""
    return ["ssh", *SSH, *more, *settings.ssh_options, "--", node, command]
