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
CHUNK = 1 << 16


class Sink(Protocol):
    """Where a node's output goes."""

    def write(self, data: bytes, /) -> object: ...
    def flush(self) -> None: ...


class Lost(DeployError):
    """The connection ended before the node had said how it went.

    `about` is what it broke at: ssh, host key, sudo, python, or the program itself.
    """

    def __init__(
        self, message: str, hint: str = "", *, about: str = "program", details: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message, hint, details=details)
        self.about = about


class Connection:
    """A conversation with the host half. Everything is a JSON line, but for the blobs that we send."""

    def __init__(self, settings: Settings, node: str = "") -> None:
        self.node = node or settings.node
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  closed with the connection
        self._program = program.modules()
        self._process = subprocess.Popen(
            arguments(settings, self.node, zipapp.digest(self._program)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            bufsize=0,  # and the whole environment: ssh, its agents and its proxies may need any of it
        )
        self._options = settings.ssh_options
        self._ahead = b""

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
        line, self._ahead = self._ahead.split(b"\n", 1)
        try:
            value: dict[str, Any] = json.loads(line)
        except ValueError:
            raise Lost(
                f"{self.node} says what our program does not: {line[:60].decode(errors='replace')!r}.",
                "a start-up file of the login shell there may print text; it must be silent for ssh commands",
            ) from None
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
        if code and words:  # without a word it is a search that found nothing
            raise Lost(words[-1]) if code == 1 else explain(self.node, code, words, self._options)

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
        if not select.select([self._out], [], [], SILENCE)[0]:
            self._process.terminate()
            raise Lost(f"{self.node} said nothing for {SILENCE:g} s.", "make status shows what it is doing")
        return os.read(self._out, CHUNK)

    def _why(self) -> Lost:
        """What ssh, sudo or Python wrote before it ended, in one sentence of ours."""
        return explain(self.node, *self._last_words(), self._options)

    def _last_words(self) -> tuple[int, list[str]]:
        code = self._process.wait(timeout=30)
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


def shown(node: str, options: tuple[str, ...], *more: str, command: str = "") -> str:
    """A login for people to paste, with the options that they gave."""
    return shlex.join(["ssh", *more, *options, node, *filter(None, [command])])


def explain(node: str, code: int, words: list[str], options: tuple[str, ...] = ()) -> Lost:
    """Turn an exit code and what was written to stderr into a message and a hint; `options` are ssh's."""
    text = "\n".join(words)
    login = shown(node, options)
    last = words[-1] if words else f"exit code {code}"
    if "REMOTE HOST IDENTIFICATION HAS CHANGED" in text:
        return Lost(
            f"the host key of {node} has changed.",
            f"if you know why: {_forget_key(node, words)}, then {login}",
            about="host key",
        )
    if "Host key verification failed" in text:
        return Lost(
            f"the host key of {node} is not known here.",
            f"{login} once, and compare its fingerprint",
            about="host key",
        )
    if "sudo" in text and (
        "password is required" in text or "not in the sudoers" in text or "terminal" in text
    ):
        return Lost(
            f"sudo on {node} wants a password: {last}",
            "make doctor writes the sudo rule out, docs/DEPLOYMENT.md explains it; or deploy as root",
            about="sudo",
        )
    if "Can't open user config file" in text:
        return Lost(f"ssh: {last}", "SSH_OPTIONS names it; after make try-down, unset that", about="ssh")
    if code == 255:
        return Lost(
            f"{node} cannot be reached by ssh: {last}",
            f"{login} true must work; NODE= names another node, SSH_OPTIONS= takes options",
            about="ssh",
        )
    if code == 127 or "python3: command not found" in text:  # the first by a shell, the other by sudo
        return Lost(
            f"{node} lacks /usr/bin/python3 or sudo: {last}",
            "apt-get install python3 sudo, there",
            about="python",
        )
    return Lost(f"the program on {node} ended (exit code {code}).", details=tuple(words[-30:]))


def _forget_key(node: str, words: list[str]) -> str:
    """The command that ssh itself proposes, for it knows the file and the name that the key stands under."""
    proposed = (word for word in words if word.startswith("ssh-keygen ") and " -R " in word)
    return next(proposed, f"ssh-keygen -R {node}")
