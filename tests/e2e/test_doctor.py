"""`make doctor` on a real node: what is right is told, what is wrong is named, and nothing is changed."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from .faults import fault
from .findings import bad, done_there, examine
from .operator import Operator

SERVICE = "/etc/systemd/system/helionyx-dev.service"
EVENTS = "/var/lib/helionyx/dev/events"
PLACES = "/opt /etc/systemd /etc/passwd /etc/sudoers.d /run/helionyx-deploy /var/lib/helionyx*"
# Every file below these places with its times: whatever is changed there, or comes or goes, shows. The times
# of the log's directory are left out: while a log at rest is read, SQLite keeps its index beside it.
LOOK = f"""
find {PLACES} -not -path {EVENTS} -printf '%p %m %U %T@ %C@ %s\\n' | sort
sha256sum /var/lib/helionyx-deploy/deployments.jsonl
systemctl list-units --all --plain --no-legend 'helionyx*'
systemctl show --property=Id,ActiveState,MainPID,NRestarts,InvocationID 'helionyx*'
"""


def test_bare_node_is_healthy(bare: Operator) -> None:
    """Nothing deployed is one line per environment; nothing at all is left there by the look."""
    done = bare.run("make", "doctor")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    for number, environment in enumerate(("dev", "staging", "live")):
        title = next(line for line in lines if line.startswith(f"{environment} on "))
        below = lines[lines.index(title) + 1]
        assert below.split() == f"ok release not deployed here yet; port {8000 + number} is free".split()
    assert not [line for line in lines if line.startswith("  bad ")]
    assert lines[-1].endswith("0 errors · exit 0: done")
    assert "\x1b" not in done.stdout
    assert max(len(line) for line in lines if not line.lstrip().startswith("hint")) <= 120
    for path in ("/run/helionyx-deploy", "/opt/helionyx", "/var/lib/helionyx", "/var/lib/helionyx-deploy"):
        assert bare.node.run(["test", "-e", path]).returncode == 1, path


def test_settled_node_is_healthy(dev: Operator) -> None:
    """Every part of a deployed environment has its line, and each event was verified."""
    dev.tell("dev", ["one", "two", "three"])
    length = dev.log("dev")["length"]
    found = examine(dev)
    assert not bad(found)
    for name in ("release", "units", "service", "boot", "dependencies", "user", "directories", "changes"):
        assert ("dev", name, "ok") in found
    assert length > 3
    assert f"{length} events verified, the chain is whole" in found["dev", "event log", "ok"]
    assert "8000 is its own" in found["dev", "port", "ok"]
    assert found["staging", "release", "ok"][0] == "not deployed here yet; port 8001 is free"
    given = set(dev.on_node("cat", "/sys/fs/cgroup/cgroup.controllers").split())
    missing = [name for name in ("cpu", "io", "memory", "pids") if name not in given]
    assert ", ".join(missing) in " ".join(found[None, "shares", "warn" if missing else "ok"])
    for name in ("git", "uv", "uv.lock", ".env.dev", "ssh", "host key", "sudo", "python", "clock", "audit"):
        assert (None, name, "ok") in found
    assert {environment for environment, _, _ in examine(dev, "dev")} == {None, "dev"}


def test_edits_by_hand_are_named_and_mended_by_a_deploy(dev: Operator) -> None:
    """A unit, a file of the release and a mode: each in a line, with the command that puts it right."""
    file = "/opt/helionyx/dev/current/services/config.py"
    dev.on_node("sh", "-c", f"echo '# mine' >> {SERVICE}; echo '# mine' >> {file}; chmod 755 {EVENTS}")
    found = examine(dev, code=4)
    assert "services/config.py of release" in " ".join(dev.status("dev")["problems"])
    assert bad(found) == {("dev", "units"), ("dev", "release"), ("dev", "directory")}
    assert any(f"{SERVICE} is not as it was deployed" in text for text in found["dev", "units", "bad"])
    assert any("services/config.py of release" in text for text in found["dev", "release", "bad"])
    text, mend = found["dev", "directory", "bad"]
    assert text == f"{EVENTS} is 0755 helionyx-dev, and should be 0700 helionyx-dev"
    assert found["dev", "units", "bad"][-1] == mend == "make deploy ENV=dev"
    dev.deploy("dev")
    assert dev.status("dev")["problems"] == []
    assert not bad(examine(dev))


def test_stranger_on_a_port_is_named(settled: Operator) -> None:
    """Also on that of an environment which is not deployed yet."""
    start = "systemd-run --quiet --collect --unit=stranger --property=Type=exec python3 -m http.server 8001"
    ready = "until ss -Hltn 'sport = :8001' | grep -q .; do sleep 0.05; done"
    with done_there(settled, f"{start}; {ready}", "systemctl stop stranger"):
        found = examine(settled, code=4)
    assert bad(found) == {("staging", "port")}
    assert found["staging", "port", "bad"][0].startswith("8001 is held by python3 (pid ")
    assert "sport = :8001" in found["staging", "port", "bad"][1]


def test_read_only_part_of_the_disk_is_named(settled: Operator) -> None:
    """By its mount point, as the command that mends it wants it."""
    where = "/opt/helionyx/dev/releases"
    ro = f"mount --bind {where} {where} && mount -o remount,ro,bind {where}"
    with done_there(settled, ro, f"umount {where}"):
        found = examine(settled, code=4)
    assert found[None, "disk", "bad"][0] == f"{where} is read-only"
    assert (None, "disk") in bad(found)
    assert len(bad(found)) == 1


@pytest.mark.parametrize(
    ("harm", "where"),
    [
        ("disable --quiet helionyx-dev.service; systemctl stop helionyx-dev.service", {"service", "boot"}),
        fault("stop helionyx-dev.service helionyx-dev.socket", {"service"}),
        fault("stop helionyx-dev.socket", {"service"}),
    ],
)
def test_service_that_is_down_is_started_by_its_hint(dev: Operator, harm: str, where: set[str]) -> None:
    """Stopped by hand is no stop on purpose, and no failure whose reason would be in the journal."""
    dev.on_node("sh", "-c", f"systemctl {harm}")
    found = examine(dev, "dev", code=4)
    assert bad(found) == {("dev", name) for name in where}
    assert set(found["dev", "service", "bad"][1::2]) == {"make start ENV=dev"}
    dev.change("start", "dev")
    assert not bad(examine(dev, "dev"))


def test_service_manager_that_hangs_hides_nothing_else(dev: Operator) -> None:
    """What needs no answer of it is looked at all the same, and soon."""
    fake = "/usr/sbin/systemctl"
    begun = time.monotonic()
    with done_there(dev, f"printf '#!/bin/sh\\nexec sleep 600\\n' > {fake}; chmod 755 {fake}", f"rm {fake}"):
        found = examine(dev, "dev", code=4)
    assert time.monotonic() - begun < 40
    assert bad(found) == {(None, "systemd"), ("dev", "units")}
    for other in ("user", "directories", "event log"):
        assert ("dev", other, "ok") in found


def test_deployed_environment_needs_its_env_file(settled: Operator, tmp_path: Path) -> None:
    """Bad where it is deployed or was named, a warning where it may never be wanted here."""
    for name in ("dev", "live"):
        (settled.root / f".env.{name}").rename(tmp_path / name)
    try:
        found, named = examine(settled, code=4), examine(settled, "live", code=4)
    finally:
        for name in ("dev", "live"):
            (tmp_path / name).rename(settled.root / f".env.{name}")
    assert bad(found) == {("dev", ".env.dev")}
    assert (None, ".env.live", "warn") in found
    assert "8000 is its own" in found["dev", "port", "ok"]  # as its release says
    assert bad(named) == {(None, ".env.live")}


def test_sudo_with_a_password_has_its_rule_to_paste(settled: Operator) -> None:
    """With the name of who logged in; pasted, it is all that was missing."""
    aside = "mkdir -p /root/aside && mv /etc/sudoers.d/* /root/aside/"
    with done_there(settled, aside, "rm -f /etc/sudoers.d/*; mv /root/aside/* /etc/sudoers.d/"):
        found = examine(settled, code=4)
        assert bad(found) == {(None, "sudo")}
        assert (None, "ssh", "ok") in found
        assert (None, "the rest", "warn") in found
        rule = found[None, "sudo", "bad"][1].split(": ", 1)[1]
        assert "deploy ALL=(root) NOPASSWD: /usr/bin/python3" in rule
        settled.on_node("sh", "-c", rule)
        assert not bad(examine(settled))


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        (lambda _: {"NODE": "no-such-host.invalid"}, "ssh"),
        (lambda _: {"SSH_OPTIONS": "-F /dev/null -o HostName=127.0.0.1 -p 1"}, "ssh"),
        (
            lambda it: {"SSH_OPTIONS": f"-o UserKnownHostsFile=/dev/null {it.environ['SSH_OPTIONS']}"},
            "host key",
        ),
    ],
)
def test_node_out_of_reach(
    settled: Operator, environ: Callable[[Operator], dict[str, str]], name: str
) -> None:
    """This end is looked at all the same, and the other is said not to have been."""
    (settled.root / ".env.live").chmod(0o644)
    found = examine(settled, code=4, **environ(settled))
    (settled.root / ".env.live").chmod(0o600)
    assert bad(found) == {(None, name), (None, ".env.live")}
    assert (None, "git", "ok") in found
    assert (None, ".env.dev", "ok") in found
    assert not {(None, "ssh", "ok"), (None, "sudo", "ok"), (None, "disk", "ok")} & set(found)
    assert "not looked at" in found[None, "the rest", "warn"][0]


def test_looking_changes_nothing(dev: Operator) -> None:
    """No file, no lock, no line of the audit, no unit; nor anything in the checkout. Also what is stopped."""

    def here() -> list[tuple[str, int]]:
        files = (path for path in dev.root.rglob("*") if "__pycache__" not in path.parts)
        return sorted((str(path), path.lstat().st_mtime_ns) for path in files)

    def both() -> tuple[str, list[tuple[str, int]]]:
        return dev.on_node("sh", "-c", LOOK), here()

    before = both()
    examine(dev)
    assert both() == before
    dev.change("stop", "dev")
    before = both()
    examine(dev)
    assert both() == before
