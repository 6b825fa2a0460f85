"""Every mistake that can be seen beforehand: one message, one hint, exit code 2, and nothing touched."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from .faults import fault
from .operator import Operator, git

TOKEN = "123456789:" + "a" * 35
BASHRC = "/home/deploy/.bashrc"
MOVING = ("another deploy",)  # where somebody else touches things meanwhile
BOT = "#TELEGRAM_BOT_TOKEN=CHANGE_ME_the_token_from_BotFather"


@dataclass(frozen=True)
class Mistake:
    """What somebody has done wrong, and what the deploy says to it."""

    said: str
    lines: tuple[str, ...] = ()  # added to .env.dev
    keys: dict[str, str] = field(default_factory=dict)  # other values of its keys
    environ: dict[str, str] = field(default_factory=dict)
    around: Callable[[Operator], AbstractContextManager[dict[str, str] | None]] | None = None


@contextmanager
def without_configuration(operator: Operator) -> Iterator[None]:
    """`.env.dev` is not there."""
    path, aside = operator.root / ".env.dev", operator.root / "aside"
    path.rename(aside)
    try:
        yield
    finally:
        aside.rename(path)


@contextmanager
def another_host_key(operator: Operator) -> Iterator[dict[str, str]]:
    """This person knows the node by another key than the one that it answers with."""
    place = operator.root.parent / "known"
    place.mkdir()
    key, known, config = place / "key", place / "known_hosts", place / "ssh_config"
    subprocess.run(["ssh-keygen", "-q", "-N", "", "-t", "ed25519", "-f", key], check=True, timeout=30)
    known.write_text(f"{operator.node.address} {key.with_suffix('.pub').read_text()}")
    text = operator.node.ssh_config.read_text()
    config.write_text(re.sub(r"UserKnownHostsFile .*", f"UserKnownHostsFile {known}", text))
    yield {"SSH_OPTIONS": f"-F {config}"}


@contextmanager
def sudo_with_a_password(operator: Operator) -> Iterator[None]:
    """No rule for this login."""
    operator.on_node("sh", "-c", "mkdir /root/aside && mv /etc/sudoers.d/* /root/aside/")
    try:
        yield
    finally:
        operator.on_node("sh", "-c", "mv /root/aside/* /etc/sudoers.d/ && rmdir /root/aside")


@contextmanager
def sudo_with_a_terminal(operator: Operator) -> Iterator[None]:
    """The rule is there, and sudo runs nothing without a terminal."""
    operator.on_node("sh", "-c", "echo Defaults requiretty > /etc/sudoers.d/terminal")
    try:
        yield
    finally:
        operator.on_node("rm", "/etc/sudoers.d/terminal")


@contextmanager
def noisy_login(operator: Operator) -> Iterator[None]:
    """A start-up file prints what a JSON parser takes."""
    operator.on_node("cp", "-p", BASHRC, "/root/bashrc")
    operator.on_node("sed", "-i", "1i echo 42", BASHRC)
    try:
        yield
    finally:
        operator.on_node("mv", "/root/bashrc", BASHRC)


@contextmanager
def full_disk(operator: Operator) -> Iterator[None]:
    """Less room on the node than the release needs."""
    state = "/var/lib/helionyx-deploy"
    operator.on_node("sh", "-c", f"cp -a {state} /root/state && mount -t tmpfs -o size=1m tmpfs {state}")
    try:
        yield
    finally:
        operator.on_node("sh", "-c", f"umount {state} && rm -rf /root/state")


@contextmanager
def noexec(operator: Operator) -> Iterator[None]:
    """Dependencies would lie where nothing can be loaded from."""
    layers = "/opt/helionyx/layers"
    operator.on_node("sh", "-c", f"mount --bind {layers} {layers} && mount -o remount,bind,noexec {layers}")
    try:
        yield
    finally:
        operator.on_node("umount", layers)


@contextmanager
def sudo_without_programs(operator: Operator) -> Iterator[None]:
    """The node's sudo lets no program start another one."""
    operator.on_node("sh", "-c", "echo 'Defaults noexec' > /etc/sudoers.d/noexec")
    try:
        yield
    finally:
        operator.on_node("rm", "/etc/sudoers.d/noexec")


@contextmanager
def few_inodes(operator: Operator) -> Iterator[None]:
    """A file system of its own for the dependencies, with room for bytes and none for files."""
    layers = "/opt/helionyx/layers"
    operator.on_node("mount", "-t", "tmpfs", "-o", "nr_inodes=40", "tmpfs", layers)
    try:
        yield
    finally:
        operator.on_node("umount", layers)


@contextmanager
def stranger_on_the_port(operator: Operator) -> Iterator[None]:
    """Some other program of the node listens where dev wants to."""
    unit = "systemd-run --quiet --collect --unit=stranger --property=Type=exec"
    ready = "until ss -Hltn 'sport = :8041' | grep -q .; do sleep 0.05; done"
    operator.on_node("sh", "-c", f"{unit} python3 -m http.server 8041; {ready}")
    try:
        yield
    finally:
        operator.on_node("systemctl", "stop", "stranger")


@contextmanager
def another_deploy(operator: Operator) -> Iterator[None]:
    """Somebody else deploys another release, which soaks."""
    with operator.start("scripts/deploy/deploy.sh", "dev", "--json", SOAK="3") as other:
        while "soak" not in str((operator.status("dev")["changing"] or {}).get("phase")):
            assert other.poll() is None
            time.sleep(0.05)
        operator.commit("services/changed.py", "REFUSED = 'a release of our own'\n")
        try:
            yield
        finally:
            assert other.wait(timeout=60) == 0


@contextmanager
def another_project(operator: Operator) -> Iterator[None]:
    """A project of another name, which was made from this one."""
    for name in ("pyproject.toml", "uv.lock"):
        operator.edit(name, 'name = "helionyx"', 'name = "other"')
    yield


@contextmanager
def newer_events(operator: Operator) -> Iterator[None]:
    """A release that writes a later version of an event was here, and somebody has spoken to it."""
    operator.edit("services/formats.py", '("MessageRecorded", 1)', '("MessageRecorded", 2)')
    operator.deploy("dev", INSIST="1")
    operator.tell("dev", ["in another version"])
    operator.undo()
    yield


@contextmanager
def later_events(operator: Operator) -> Iterator[None]:
    """A release that would write what the one that serves could not read: without a way back."""
    operator.edit("services/formats.py", '("MessageRecorded", 1)', '("MessageRecorded", 2)')
    yield


# Those that a case of tests/deployment/host/plan/plans or test_room shows as well.
SHOWN_BY_A_PLAN = ("address of another machine", "noexec", "few inodes", "another project", "old code")
MISTAKES = {
    "no configuration": Mistake("there is no .env.dev", around=without_configuration),
    "unknown key": Mistake("the nearest that exists is API_PORT", ("API_PROT=8000",)),
    "data of another environment": Mistake(
        "is not below the data directory of dev",
        keys={"EVENT_STORE_PATH": "/var/lib/helionyx/staging/events"},
    ),
    "port of another environment": Mistake("port 8001 belongs to staging", keys={"API_PORT": "8001"}),
    "port of a stranger": Mistake(
        "port 8041 is held by python3 (pid", keys={"API_PORT": "8041"}, around=stranger_on_the_port
    ),
    "address of another machine": Mistake("is no address of this node", keys={"API_HOST": "192.0.2.77"}),
    "unreachable": Mistake("cannot be reached by ssh", environ={"NODE": "no-such-host.invalid"}),
    "host key": Mistake("the host key of", around=another_host_key),
    "sudo": Mistake("wants a password", around=sudo_with_a_password),
    "sudo without a terminal": Mistake(
        "wants a terminal, by Defaults requiretty", around=sudo_with_a_terminal
    ),
    "noisy login": Mistake("printed unexpected output: '42'", around=noisy_login),
    "no systemd": Mistake("systemd does not run this node", environ={"NODE": "local"}),
    "full disk": Mistake("MB free", around=full_disk),
    "noexec": Mistake("is mounted noexec", around=noexec),
    "sudo without programs": Mistake("sudo lets root start no program", around=sudo_without_programs),
    "few inodes": Mistake("inodes free", around=few_inodes),
    "another deploy": Mistake("locked: deploy by", around=another_deploy),
    "another project": Mistake("the node belongs to helionyx", around=another_project),
    "later events": Mistake("could not read: there would be no way back", around=later_events),
    "old code": Mistake("holds MessageRecorded in version 2", around=newer_events),
}


@pytest.fixture(scope="module")
def beside(settled: Operator) -> Operator:
    """dev and staging run, and staging has a bot."""
    settled.configure("staging", BOT, f"TELEGRAM_BOT_TOKEN={TOKEN}")
    settled.deploy("staging")
    return settled


def traces(operator: Operator) -> str:
    """All that a deploy could have touched."""
    audit = "/var/lib/helionyx-deploy/deployments.jsonl"
    places = f"/opt/helionyx /etc/systemd/system /etc/systemd/*.conf /etc/passwd {audit}"
    pids = "systemctl show --property=MainPID helionyx-dev helionyx-staging"
    return operator.on_node("sh", "-c", f"find {places} -printf '%p %s %T@\\n' | sort; {pids}")


@pytest.mark.parametrize(
    "mistake",
    [
        fault(mistake, name=name) if name in SHOWN_BY_A_PLAN else pytest.param(mistake, id=name)
        for name, mistake in MISTAKES.items()
    ],
)
def test_mistake_is_refused(beside: Operator, mistake: Mistake, request: pytest.FixtureRequest) -> None:
    """Exit code 2, what is wrong and what to do about it; the token is nowhere; the node is as it was."""
    kind = request.node.callspec.id
    if kind == "no systemd" and Path("/run/systemd/system").is_dir():
        pytest.skip("systemd runs this machine, and a test must not deploy to it")
    path, head = beside.root / ".env.dev", git(beside.root, "rev-parse", "HEAD").strip()
    content = path.read_text()
    beside.commit("services/changed.py", f"REFUSED = {kind!r}\n")
    for key, value in mistake.keys.items():
        path.write_text(re.sub(rf"^{key}=.*$", f"{key}={value}", path.read_text(), flags=re.MULTILINE))
    path.write_text("".join(f"{line}\n" for line in (path.read_text().rstrip(), *mistake.lines)))
    try:
        with mistake.around(beside) if mistake.around else nullcontext() as more:
            before = traces(beside) if kind not in MOVING else ""
            done = beside.deploy_as_is("dev", "--json", **mistake.environ, **(more or {}))
            after = traces(beside) if kind not in MOVING else ""
    finally:
        path.write_text(content)
        git(beside.root, "reset", "--quiet", "--hard", head)
    result = json.loads(done.stdout)
    assert done.returncode == result["exit_code"] == 2, done.stdout
    assert mistake.said in " ".join([result["message"], *result["details"]])
    assert result["hint"]
    assert TOKEN not in done.stdout + done.stderr
    assert not done.stderr
    assert before == after


def test_names_of_somebody_else_are_refused_and_stay(beside: Operator) -> None:
    """A person and a unit of the names of an environment are neither used nor removed."""
    beside.on_node("useradd", "--create-home", "helionyx")
    before = traces(beside)
    for verb in ("deploy", "remove"):
        refused = beside.change(verb, "live", code=2, CONFIRM="live")
        assert "the user helionyx (uid" in refused["message"]
        assert "usermod --login OTHER_NAME helionyx" in refused["hint"]
    assert traces(beside) == before
    beside.on_node("userdel", "--remove", "helionyx")
    beside.on_node("systemd-run", "--quiet", "--collect", "--unit=helionyx", "sleep", "600")
    refused = beside.change("deploy", "live", code=2)
    assert "/run/systemd/transient/helionyx.service" in refused["message"]
    assert "and no deploy has made it" in " ".join(beside.status("live")["notes"])
    beside.on_node("systemctl", "stop", "helionyx")
