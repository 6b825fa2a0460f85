"""A person with a checkout of their own who deploys to a node: everything through the scripts."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deployment.build import envfile
from deployment.host.values.layout import Environment, Layout
from deployment.settings import ROOT
from deployment.verbs.table import VARIABLES
from node1 import Node
from services.formats import OF_ITSELF

RUNNER = "services/api/runner.py"
IN_SERVICE = 'if not {"HELIONYX_REHEARSAL", "HELIONYX_BRIDGE"} & set(os.environ):'
"""Begins what the service of a release does and no other process of it."""
EXITS = "raise SystemExit('broken on purpose')\n"  # what a broken release holds in place of its runner
PORTS = {"dev": 8000, "staging": 8001, "live": 8002}
LIMIT = 180  # seconds for one command
# What would be read as a wish: none of it may come from the shell that the tests are run in.
OURS = (*VARIABLES, "ENV_ORIGIN", "MAKEFLAGS", "MAKELEVEL", "MFLAGS")


def _is_ours(name: str) -> bool:
    """Whether a variable concerns these tests alone: people let Python keep its byte code, for one."""
    return name in OURS or name.startswith("PYTHON")


def git(root: Path, *words: str) -> str:
    """Run git as this person."""
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.invalid"]
    argv = ["git", "-C", str(root), *identity, *words]
    return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=LIMIT).stdout


@dataclass
class Operator:
    """A clean checkout, three configurations, and a login on the node."""

    root: Path
    node: Node
    login: str = "deploy"
    tokens: dict[str, str] = field(default_factory=dict, init=False)

    @classmethod
    def prepare(cls, root: Path, project: Path = ROOT) -> None:
        """Copy a project as it stands into a repository at `root`, and configure all environments.

        Its tests, half of its files, are left out: the copy is copied for each node.
        """
        names = subprocess.run(
            ["git", "-C", str(project), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            capture_output=True,
            check=True,
            timeout=LIMIT,
        ).stdout.decode()
        for name in filter(None, names.split("\0")):
            if (project / name).is_file() and not name.startswith("tests/"):
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(project / name, root / name)
        (root / ".venv").symlink_to(project / ".venv")
        settings = root / "pyproject.toml"
        settings.write_text(settings.read_text().replace('gate = "on"', 'gate = "off"'))
        git(root, "init", "--quiet", "--initial-branch=main", "--template=")
        git(root, "add", "--all")
        git(root, "commit", "--quiet", "--message", "The project as it stands")
        git(root, "repack", "-a", "-d", "--quiet")  # one file to copy, in place of hundreds
        for environment in PORTS:
            envfile.write(root, root, environment)

    @classmethod
    def at(cls, root: Path, node: Node, project: Path = ROOT) -> Operator:
        """A person whose checkout is made now."""
        cls.prepare(root, project)
        return cls(root, node)

    def __post_init__(self) -> None:
        """Remember the API token of each environment, whatever becomes of its file."""
        for environment in PORTS:
            lines = (self.root / f".env.{environment}").read_text().splitlines()
            token = next(line for line in lines if line.startswith("API_TOKEN="))
            self.tokens[environment] = token.partition("=")[2]

    @property
    def environ(self) -> dict[str, str]:
        """What this person's shell holds."""
        host = self.node.name if self.login == "root" else f"{self.node.name}-{self.login}"
        own = {"NODE": host, "SOAK": "0", "WATCH": "0", "SSH_OPTIONS": f"-F '{self.node.ssh_config}'"}
        return {key: value for key, value in os.environ.items() if not _is_ours(key)} | own

    def run(self, *argv: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """A command in the checkout."""
        return subprocess.run(
            argv,
            cwd=self.root,
            env=self.environ | environ,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=LIMIT,
            check=False,
        )

    def start(self, *argv: str, stdin: int = subprocess.DEVNULL, **environ: str) -> subprocess.Popen[str]:
        """A command in the checkout that is watched while it runs, in a session of its own."""
        return subprocess.Popen(
            argv,
            cwd=self.root,
            env=self.environ | environ,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def script(self, verb: str, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """`scripts/deploy/VERB.sh WORDS`."""
        return self.run(f"scripts/deploy/{verb}.sh", *words, **environ)

    def deploy_as_is(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Not by the script: it would bring this checkout's .venv, which is shared, up to another lock."""
        return self.run(".venv/bin/python", "-m", "deployment", "deploy", *words, **environ)

    def change(self, verb: str, environment: str, *, code: int = 0, **environ: str) -> dict[str, Any]:
        """A verb with --json: its result, after a look at its exit code."""
        done = self.script(verb, environment, "--json", **environ)
        assert done.returncode == code, f"exit {done.returncode}, not {code}\n{done.stdout}\n{done.stderr}"
        result: dict[str, Any] = json.loads(done.stdout)
        assert result["exit_code"] == code
        return result

    def deploy(self, environment: str, *, code: int = 0, **environ: str) -> dict[str, Any]:
        """`make deploy ENV=environment`."""
        return self.change("deploy", environment, code=code, **environ)

    def status(self, environment: str) -> dict[str, Any]:
        """What `make status ENV=environment` knows."""
        done = self.script("status", environment, "--json")
        assert done.stdout, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)["environments"][0]
        return found

    def pid(self, environment: str) -> int:
        """The main process of an environment, as systemd of the node has it."""
        unit = Environment(environment).service
        return int(self.on_node("systemctl", "show", "--property=MainPID", "--value", unit))

    def commit(self, path: str, content: str, message: str = "A change") -> None:
        """Write a file and commit it."""
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(content)
        git(self.root, "add", "--all")
        git(self.root, "commit", "--quiet", "--message", message)

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace text in a file and commit it."""
        text = (self.root / path).read_text()
        assert old in text
        self.commit(path, text.replace(old, new, 1))

    def break_for_real(self) -> None:
        """Commit a release that passes its rehearsal and serves as a bridge, and does not come up itself."""
        umask = "    os.umask(0o077)\n"
        self.edit(RUNNER, umask, f'{umask}    {IN_SERVICE}\n        raise SystemExit("broken on purpose")\n')

    def undo(self) -> None:
        """Take the last commit back, as `git revert` would, but with the id that was there before."""
        git(self.root, "reset", "--quiet", "--hard", "HEAD~1")

    def configure(self, environment: str, old: str, new: str) -> None:
        """Edit `.env.{environment}`."""
        path = self.root / f".env.{environment}"
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    def ask(
        self, environment: str, path: str, body: dict[str, Any] | None = None, port: int | None = None
    ) -> tuple[int, bytes]:
        """An HTTP call to the environment, as one of its people."""
        request = urllib.request.Request(
            f"http://{self.node.address}:{port or PORTS[environment]}{path}",
            data=json.dumps(body).encode() if body is not None else None,
            headers={
                "Authorization": f"Bearer {self.tokens[environment]}",
                "Content-Type": "application/json",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def health(self, environment: str, port: int | None = None) -> dict[str, Any]:
        """Who answers."""
        value: dict[str, Any] = json.loads(self.ask(environment, "/health", port=port)[1])
        return value

    def await_ready(self, environment: str) -> None:
        """Wait until an environment whose node has just booted has opened its log."""
        end = time.monotonic() + LIMIT
        while self.ask(environment, "/health/ready")[0] != 200:
            assert time.monotonic() < end
            time.sleep(0.05)

    def await_outcome(self) -> dict[str, Any]:
        """Wait until the last change has ended, and return the audit's line of its end."""
        end = time.monotonic() + LIMIT
        while True:
            line: dict[str, Any] = json.loads(self.on_node("tail", "--lines=1", str(Layout().audit)))
            if line["event"] == "end":
                return line
            assert time.monotonic() < end
            time.sleep(0.1)

    def await_not_ready(self, environment: str) -> None:
        """Wait until an environment has noticed that it cannot go on."""
        end = time.monotonic() + LIMIT
        while self.ask(environment, "/health/ready")[0] == 200:
            assert time.monotonic() < end
            time.sleep(0.05)

    def await_restart(self, environment: str, pid: int) -> None:
        """Wait until systemd has replaced the process of an environment, and the new one is up."""
        unit = Environment(environment).service
        asked = f"systemctl show --property=MainPID --value {unit}"
        is_new = f'new=$({asked}); test "$new" != 0 && test "$new" != {pid}'
        self.on_node("timeout", "50", "sh", "-c", f"until {is_new}; do sleep 0.05; done")
        self.await_ready(environment)

    def tell(self, environment: str, texts: Iterable[str]) -> None:
        """Say something that has to be kept."""
        for text in texts:
            status, answer = self.ask(environment, "/api/v1/messages", {"text": text})
            assert status == 201, answer

    def log(self, environment: str) -> dict[str, Any]:
        """The length and the ends of the event log, as the service that is ready gives them out."""
        status, content = self.ask(environment, "/health/ready")
        assert status == 200, content
        log: dict[str, Any] = json.loads(content)["log"]
        return log

    def last_event(self, environment: str) -> tuple[int, str]:
        """The position and the hash of the last event that was said."""
        said = self.log(environment)["said"]
        return said["position"], said["hash"]

    def events(self, environment: str) -> bytes:
        """All that was said, as the service gives it out: each with its hash, which is over all before."""
        status, content = self.ask(environment, "/api/v1/events?limit=1000")
        assert status == 200, content
        records = [(json.loads(json.loads(line)["body"])["type"], line) for line in content.splitlines(True)]
        return b"".join(line for type_, line in records if type_ not in OF_ITSELF)

    def on_node(self, *argv: str) -> str:
        """A command on the node, as root."""
        done = self.node.run(argv)
        assert done.returncode == 0, done.stderr
        return done.stdout
