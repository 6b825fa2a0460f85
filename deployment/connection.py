"""The one connection to the node: ssh, or the same program started here for NODE=local."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import select
import shlex
import subprocess
import tempfile
from collections.abc import Callable
from typing import IO, Any, Protocol

from . import program
from .errors import DeployError
from .host import zipapp
from .lost import Lost, explain, noise, not_installed, silent
from .settings import Settings

SSH = (
    "-T",
    "-o",
    "BatchMode=yes",
    "-o",
    "ConnectTimeout=10",
    "-o",
    "ServerAliveInterval=15",
    "-o",
    "ServerAliveCountMax=3",
)
SILENCE = 300.0  # seconds without a word from the node: longer than any single step may take there
FIRST = 60.0  # seconds until its first word: longer than a login may take
ENDING = 10.0  # seconds until a program has ended that has closed its output
LONGEST = 1 << 16  # bytes of that word
BEGINNINGS = ("program", "hello", "result")  # the types of that word
CHUNK = 1 << 16


class Sink(Protocol):
    """Where a node's output goes."""

    def write(self, data: bytes, /) -> object: ...
    def flush(self) -> None: ...


class Connection:
    """A conversation with the host half. Everything is a JSON line, but for the blobs that we send."""

    def __init__(self, settings: Settings, node: str = "") -> None:
        self.node = node or settings.node
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  closed with the connection
        self._program = program.modules()
        argv = arguments(settings, self.node, zipapp.digest(self._program))
        try:
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                bufsize=0,  # env stays: ssh, its agents and its proxies may need any of it
            )
        except FileNotFoundError:
            raise not_installed(argv[0]) from None
        self._options = settings.ssh_options
        self._ahead = b""
        self._heard = False  # whether the node has said anything

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
        left = size
        while left:
            data = source.read(min(CHUNK, left))
            if not data:
                raise DeployError("the file has become shorter since it was looked at.", "try again")
            self._send(data)
            sent(len(data))
            left -= len(data)

    def hear(self) -> dict[str, Any]:
        """Return the node's next line. Raises `Lost` when there is none.

        Send the host half first if the node does not have it.
        """
        message = self._hear()
        if not self._heard and message["type"] not in BEGINNINGS:
            raise noise(self.node, json.dumps(message).encode())
        self._heard = True
        if message["type"] != "program":
            return message
        content = program.build(self._program, message.get("byte_code", ""))
        self._send(f"{len(content)}\n".encode() + content)
        return self._hear()

    def _hear(self) -> dict[str, Any]:
        while b"\n" not in self._ahead:
            data = self._read()
            if not data:
                raise self._why()
            self._ahead += data
            if not self._heard and len(self._ahead) > LONGEST:
                raise noise(self.node, self._ahead)
        line, self._ahead = self._ahead.split(b"\n", 1)
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict) or not isinstance(value.get("type"), str):
            raise noise(self.node, line)
        return value

    def take(self, size: int, sink: IO[bytes], came: Callable[[int], None]) -> str:
        """The next `size` bytes of the node's into a file; `came` hears how many each time. Their SHA-256.

        Raises `Lost` where they end before.
        """
        found = hashlib.sha256()
        while size:
            self._ahead = self._ahead or self._read()
            if not self._ahead:
                raise self._why()
            data, self._ahead = self._ahead[:size], self._ahead[size:]
            found.update(data)
            sink.write(data)
            came(len(data))
            size -= len(data)
        return found.hexdigest()

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
        try:
            if self.node != "local":
                self._process.terminate()
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.terminate()
            self._process.wait(timeout=5)
        finally:
            self._errors.close()

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
            raise silent(self.node, limit, self._options, begun=self._heard)
        return os.read(self._out, CHUNK)

    def _why(self) -> Lost:
        """What ssh, sudo or Python wrote before it ended, in one sentence of ours."""
        return explain(self.node, *self._last_words(), self._options)

    def _last_words(self) -> tuple[int, list[str]]:
        try:
            code = self._process.wait(timeout=ENDING)
        except subprocess.TimeoutExpired:  # the output is closed, and the program has not ended
            self._process.terminate()
            code = self._process.wait(timeout=ENDING)
        self._errors.seek(0)
        words = self._errors.read().decode(errors="replace").strip().splitlines()
        return code, [word.strip() for word in words if word.strip()]


def result_of_look(said: dict[str, Any]) -> dict[str, Any]:
    """The answer to a question that changes nothing. Raises `DeployError` where the node refuses it."""
    if said["type"] == "result" and said["outcome"] != "done":
        raise DeployError(said["message"], said["hint"], details=tuple(said["details"]))
    return said


def arguments(settings: Settings, node: str, digest: str) -> list[str]:
    """Return the command line of the connection, for the host half of that digest."""
    command = program.command(digest)
    if node == "local":
        return command
    return ssh(settings, node, shlex.join(command))


def ssh(settings: Settings, node: str, command: str, *more: str) -> list[str]:
    """The command line of ssh for a command that the login shell there reads; `more` are options."""
    return ["ssh", *SSH, *more, *settings.ssh_options, "--", node, command]
