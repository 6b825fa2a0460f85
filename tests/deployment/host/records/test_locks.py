"""One change at a time, and a lock that dies with its holder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deployment.host.node import lock_holders
from deployment.host.records import locks
from deployment.host.values.errors import Busy, Refused
from deployment.host.values.layout import Layout
from deployment.settings import ROOT


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """The root of a node on which nothing was ever changed."""
    return Layout(tmp_path / "root")


HOLDER = locks.Holder("deploy", "Ada", "t1")
HOLD = """
import sys, time
from pathlib import Path
from deployment.host.node import lock_holders
from deployment.host.records import locks
from deployment.host.values.layout import Layout
bob = locks.Holder("restart", "Bob", "t9")
with locks.environment_lock(Layout(Path(sys.argv[1])), "dev", bob):
    print("held", flush=True)
    time.sleep(60)
"""


def test_second_is_refused_with_the_name_of_the_first(tmp_path: Path) -> None:
    """Who, what and which transaction."""
    layout = Layout(tmp_path)
    with (
        locks.environment_lock(layout, "dev", HOLDER),
        pytest.raises(Refused, match=r"dev is locked: deploy by Ada, running for 0 s; transaction t1"),
        locks.environment_lock(layout, "dev", HOLDER),
    ):
        pass
    assert locks.holder(layout, "dev") is None


def test_environments_do_not_wait_for_each_other(tmp_path: Path) -> None:
    """A deploy to dev does not hold live up."""
    layout = Layout(tmp_path)
    with locks.environment_lock(layout, "dev", HOLDER), locks.environment_lock(layout, "live", HOLDER):
        held = locks.holder(layout, "dev")
        assert held is not None
        assert held.actor == "Ada"


def test_who_looks_leaves_nothing_behind(tmp_path: Path) -> None:
    """Neither a directory nor a file on a node where nobody has ever changed anything."""
    assert locks.holder(Layout(tmp_path), "dev") is None
    assert not list(tmp_path.iterdir())


def test_lock_dies_with_its_holder(tmp_path: Path) -> None:
    """Killed without a word, it leaves nothing to clear up."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        held = locks.holder(Layout(tmp_path), "dev")
        assert held is not None
        assert held.actor == "Bob"
        other.kill()
    with locks.environment_lock(Layout(tmp_path), "dev", HOLDER):
        pass


def hold(path: Path, user: str | None = None) -> subprocess.Popen[str]:
    """A process that holds a flock on a file, opened for reading alone: whoever has locked it has ended."""
    with path.open("rb") as file:
        process = subprocess.Popen(
            ["sh", "-c", "flock 0 && echo held && exec sleep 60"],
            stdin=file,
            stdout=subprocess.PIPE,
            text=True,
            user=user,
        )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    while Path(f"/proc/{process.pid}/comm").read_text() != "sleep\n":
        time.sleep(0.001)
    return process


def modes(layout: Layout) -> dict[str, int]:
    """The modes of the directory and of all files of locks."""
    return {path.name: path.stat().st_mode & 0o777 for path in (layout.locks, *layout.locks.iterdir())}


def test_nobody_else_can_open_a_lock(layout: Layout) -> None:
    """Whoever can open it for reading could hold it."""
    with locks.environment_lock(layout, "dev", HOLDER), locks.host_lock(layout):
        assert modes(layout) == {
            "helionyx-deploy": 0o700,
            "dev.lock": 0o600,
            "host.lock": 0o600,
            "gate.lock": 0o600,
        }


@pytest.mark.parametrize("name", ["dev", "host"])
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_lock_that_another_user_holds_is_nobody_s(layout: Layout, name: str) -> None:
    """On a node of an earlier version, whose locks all can read: the next change takes it."""
    layout.locks.mkdir(mode=0o755, parents=True)
    path = layout.locks / f"{name}.lock"
    path.write_text("{}")
    path.chmod(0o644)
    with hold(path, "nobody") as other:
        try:
            assert locks.holder(layout, name) is None
            with locks.environment_lock(layout, "dev", HOLDER), locks.host_lock(layout):
                assert set(modes(layout).values()) == {0o700, 0o600}
            path.chmod(0o600)  # by hand, when the other has it open
        finally:
            other.kill()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_lock_that_was_opened_before_its_mode_was_mended(layout: Layout) -> None:
    """The mode is right, and a process of another user holds it all the same."""
    layout.locks.mkdir(mode=0o755, parents=True)
    path = layout.locks / "dev.lock"
    path.touch(0o644)
    with hold(path, "nobody") as other:
        path.chmod(0o600)
        try:
            assert locks.holder(layout, "dev") is None
            with locks.environment_lock(layout, "dev", HOLDER):
                pass
        finally:
            other.kill()


def test_change_of_an_earlier_version_is_waited_for(layout: Layout) -> None:
    """It holds a file that all can read, and is root's."""
    layout.locks.mkdir(mode=0o755, parents=True)
    path = layout.locks / "dev.lock"
    path.write_text('{"actor": "Bob", "verb": "deploy"}')
    path.chmod(0o644)
    with hold(path) as other:
        try:
            with (
                pytest.raises(Busy, match=r"dev is locked: deploy by Bob") as refusal,
                locks.environment_lock(layout, "dev", HOLDER),
            ):
                pass
        finally:
            other.kill()
    assert f"(pid {other.pid}) of root" in refusal.value.details[0]
    with locks.environment_lock(layout, "dev", HOLDER):
        assert set(modes(layout).values()) == {0o700, 0o600}


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_holder_that_nobody_can_see_holds_it(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    """In a container whose /proc has no locks, or other device numbers: two changes at once are worse."""
    with locks.environment_lock(layout, "dev", HOLDER):
        pass
    path = layout.locks / "dev.lock"
    path.chmod(mode)
    (tmp_path / "proc").mkdir()
    monkeypatch.setattr(lock_holders, "PROC", tmp_path / "proc")
    with hold(path) as other:
        try:
            assert locks.holder(layout, "dev")
            with (
                pytest.raises(Busy, match=r"the lock of dev is held by a process that /proc does not show"),
                locks.environment_lock(layout, "dev", HOLDER),
            ):
                pass
        finally:
            other.kill()
    with locks.environment_lock(layout, "dev", HOLDER):
        assert set(modes(layout).values()) == {0o700, 0o600}


def test_program_that_says_nothing_is_named(layout: Layout) -> None:
    """By its name, pid and user, and for how long it runs."""
    with locks.environment_lock(layout, "dev", HOLDER):
        pass
    with hold(layout.locks / "dev.lock") as other:
        try:
            held = locks.holder(layout, "dev")
        finally:
            other.kill()
    assert held is not None
    message = locks.busy("dev", held).message
    assert re.fullmatch(
        rf"the lock of dev is held by sleep \(pid {other.pid}\) of root, running for \d s\.", message
    )


def test_what_all_share_is_not_waited_for_without_end(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process of root's that was stopped, for one: it is named."""
    with locks.host_lock(layout):
        pass
    monkeypatch.setattr(locks, "LIMIT", 0.1)
    for name in ("host", locks.GATE):
        with hold(layout.locks / f"{name}.lock") as other:
            try:
                with pytest.raises(Busy, match=rf"{name}\.lock is held by .* \(pid {other.pid}\) of root"):
                    locks.host_lock(layout).__enter__()
            finally:
                other.kill()


@pytest.mark.parametrize("what", ["link", "link to a file", "pipe", "directory", "file of another's"])
def test_what_lies_in_the_place_of_a_lock_is_replaced(layout: Layout, tmp_path: Path, what: str) -> None:
    """Nothing of it is followed, waited for or changed."""
    layout.locks.mkdir(mode=0o700, parents=True)
    path, victim = layout.locks / "dev.lock", tmp_path / "victim"
    victim.write_text("precious")
    match what:
        case "link":
            path.symlink_to(tmp_path / "nowhere")
        case "link to a file":
            path.symlink_to(victim)
        case "pipe":
            os.mkfifo(path, 0o600)
        case "directory":
            (path / "within").mkdir(parents=True)
        case _:
            path.touch(0o666)
    assert locks.holder(layout, "dev") is None
    with locks.environment_lock(layout, "dev", HOLDER):
        assert path.is_file()
        assert not path.is_symlink()
        assert set(modes(layout).values()) == {0o700, 0o600}
    assert victim.read_text() == "precious"
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("what", ["link", "file", "open to all"])
def test_directory_of_the_locks_is_root_s(layout: Layout, tmp_path: Path, what: str) -> None:
    """In one that others can write to anything may lie: it is made anew."""
    victim = tmp_path / "victim"
    victim.mkdir(mode=0o755)
    layout.locks.parent.mkdir(parents=True)
    match what:
        case "link":
            layout.locks.symlink_to(victim)
        case "file":
            layout.locks.touch()
        case _:
            layout.locks.mkdir()
            layout.locks.chmod(0o777)
            (layout.locks / "gate.lock").touch(0o600)
    with locks.environment_lock(layout, "dev", HOLDER):
        assert set(modes(layout).values()) == {0o700, 0o600}
    assert not list(victim.iterdir())
    assert victim.stat().st_mode & 0o777 == 0o755
