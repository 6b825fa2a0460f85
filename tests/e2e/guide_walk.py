"""A walk through docs/DEPLOYMENT.md: one command after the other, as a newcomer types them."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shlex
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deployment.build import ci_notes
from deployment.run import PASSED
from node1.keys import CLIENT_KEY, public
from tests.documents import DOCS
from tests.guide import Command, blocks, commands

from .guide_ways import CONTENT, HERE, SECTIONS, SKIPPED, WAYS, Way
from .operator import LIMIT, Operator, git

SHELL = ["bash", "-e", "-o", "pipefail", "-c"]
PIPES: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
SSHD = "/etc/ssh/sshd_config.d/00-guide.conf"
ONLY_OWN_KEYS = "Match User deploy\\n AuthorizedKeysFile .ssh/authorized_keys\\n"
OPTIONS = """\
    IdentityFile {key}
    IdentitiesOnly yes
    UserKnownHostsFile {known}
    BatchMode yes
"""


def steps(document: str) -> Iterator[Command]:
    """The commands of a document that are to be run, in their order."""
    for section, begin, lines in blocks((DOCS / document).read_text()):
        if lines[0] not in CONTENT and section not in SECTIONS:
            yield from (item for item in commands(section, begin, lines) if item.text not in SKIPPED)


@dataclass
class Walk:
    """A newcomer: a checkout, a home directory, and a server on which nobody has set anything up."""

    operator: Operator
    home: Path
    public_key: str = ""
    ssh_config: Path = Path()
    position: int = 0  # of what was said last
    done: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Bring the server into the state in which a provider hands it over."""
        node = self.operator.node
        self.operator.on_node("sh", "-c", "userdel --force --remove deploy; rm -f /etc/sudoers.d/*")
        # The key of the tests opens root's account alone: into `deploy` leads only what the document sets up.
        self.operator.on_node("sh", "-ec", f"printf '{ONLY_OWN_KEYS}' > {SSHD}; systemctl reload ssh")
        directory = node.record.directory
        self.public_key = public(directory / CLIENT_KEY)
        block = next(lines for _, _, lines in blocks(self._text) if lines[0] == "Host node1")
        text = "\n".join(block).replace("192.0.2.10", node.address)
        (self.home / ".ssh").mkdir()
        self.ssh_config = self.home / ".ssh" / "config"
        known, kind_and_key = self.home / ".ssh" / "known_hosts", public(directory / "host_key").split()[:2]
        known.write_text(" ".join((node.address, *kind_and_key)) + "\n")
        self.ssh_config.write_text(f"{text}\n{OPTIONS.format(key=directory / CLIENT_KEY, known=known)}")
        root = self.operator.root
        git(root, "config", "user.name", "Ada")
        git(root, "config", "user.email", "ada@example.invalid")
        origin = self.home / "origin.git"
        git(self.home, "init", "--quiet", "--bare", str(origin))
        self.operator.edit("pyproject.toml", 'gate = "off"', 'gate = "on"')
        git(root, "remote", "add", "origin", str(origin))
        for path in root.glob(".env.*"):
            if path.name != ".env.template":
                path.unlink()

    @property
    def _text(self) -> str:
        return (DOCS / "DEPLOYMENT.md").read_text()

    def take(self, command: Command) -> None:
        """Run a command of the document, and compare the output that the document shows."""
        way = WAYS.get(command.text, Way())
        for text in way.before:
            self._prepare(text)
        text = way.text(self) if way.text else command.text
        code, output = self._run(text, way)
        assert code == way.code, f"line {command.line}: {text}\nexit code {code}\n{output}"
        shown, real = (list(map(_shape, lines)) for lines in (command.output, output.splitlines()))
        assert real[: len(shown)] == shown, f"line {command.line}: {text}\n{output}"
        self.done.append(command.text)

    def _prepare(self, text: str) -> None:
        if text == "change":
            self.operator.commit("services/changed.py", f"CHANGE = {len(self.done)}\n")
        elif text.startswith("say "):
            self.said(text.removeprefix("say "))
        elif text not in self.done or not text.startswith("make env"):
            self.take(Command(text, "", 0))

    def _run(self, text: str, way: Way) -> tuple[int, str]:
        words = text.split()
        is_here = words[0] in HERE or words[0] == "true"
        if not is_here:
            login = [*self.operator.node.ssh_command(), shlex.join([*SHELL, text])]
            given = way.stdin(self) if way.stdin else ""
            return _ended(subprocess.run(login, input=given, check=False, timeout=LIMIT, **PIPES))
        ours, theirs = pty.openpty()
        os.write(ours, f"{way.typed}\n".encode() if way.typed else b"\x04")
        process = subprocess.Popen(
            [*SHELL, text],
            cwd=self.operator.root,
            env=self._environ,
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        os.close(theirs)
        assert process.stdout is not None
        if way.follows:
            assert select.select([process.stdout], [], [], LIMIT)[0], f"nothing came of: {text}"
            os.killpg(process.pid, signal.SIGINT)
        output = process.communicate(timeout=LIMIT)[0]
        os.close(ours)
        return process.returncode, output

    @property
    def _environ(self) -> dict[str, str]:
        known = {name: os.environ[name] for name in (*PASSED, "TERM") if name in os.environ}
        cache = os.environ.get("UV_CACHE_DIR") or str(Path.home() / ".cache" / "uv")
        own = {"HOME": str(self.home), "UV_CACHE_DIR": cache, "SSH_OPTIONS": f"-F {self.ssh_config}"}
        return {**known, **own, "SOAK": "0"}

    def pass_ci(self) -> str:
        """Record that CI passed, as `make ci` does, and return a command for it in the walk."""
        ci_notes.write(self.operator.root, "HEAD")
        return "true"

    def url(self, environment: str) -> str:
        """The address of an environment's service."""
        port = {"dev": 8000, "staging": 8001, "live": 8002}[environment]
        return f"http://{self.operator.node.address}:{port}"

    def said(self, environment: str) -> int:
        """Say something that nobody should have said, and return its position."""
        lines = (self.operator.root / f".env.{environment}").read_text().splitlines()
        token = next(line for line in lines if line.startswith("API_TOKEN=")).partition("=")[2]
        self.operator.tokens[environment] = token
        self.operator.await_ready(environment)
        self.operator.tell(environment, ["hunter2"])
        self.position = self.operator.last_event(environment)[0]
        return self.position

    def backup(self, environment: str) -> Path:
        """The newest backup of an environment."""
        return max((self.operator.root / "backups").glob(f"{environment}-*.db"))

    def store(self) -> Path:
        """A directory with a backup in it that has the name of a log."""
        directory = self.home / f"store-{len(self.done)}"
        directory.mkdir()
        (directory / "events.db").write_bytes(self.backup("live").read_bytes())
        return directory

    def _status(self, environment: str) -> dict[str, object]:
        argv = ["scripts/deploy/status.sh", environment, "--json"]
        place: dict[str, Any] = {"cwd": self.operator.root, "env": self._environ}
        done = subprocess.run(argv, check=False, timeout=LIMIT, **place, **PIPES)
        status: dict[str, object] = json.loads(done.stdout)["environments"][0]
        return status

    def archived(self, environment: str) -> str:
        """The name of an archived log."""
        logs = self._status(environment)["kept_logs"]
        assert isinstance(logs, list)
        return str(logs[0]["name"])

    def other_release(self, environment: str) -> str:
        """A release that is on the node and does not run."""
        status = self._status(environment)
        releases = status["releases"]
        assert isinstance(releases, list)
        return next(str(name) for name in releases if name != status["release"])

    def commit(self, environment: str) -> str:
        """The commit of a release that does not run."""
        return self.other_release(environment).split("-")[0]


def _ended(done: subprocess.CompletedProcess[str]) -> tuple[int, str]:
    return done.returncode, done.stdout + done.stderr


def _shape(line: str) -> str:
    """A line with all that differs from node to node replaced: ids, numbers, times."""
    return re.sub(r"\b[0-9a-f]{7,}\b|[0-9][0-9,.]*", "#", line).strip()
