"""Building the base root: once, by one builder, and whole or not at all."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from node1 import Node1Error, base

ROOT = Path(__file__).parents[2]

# Builds a base with a stand-in for mmdebstrap that takes its time, in a cache of its own.
BUILD = """
import sys
from pathlib import Path
from node1 import base
base.CACHE = Path(sys.argv[1])
base.TOOLS = {}
base._customize = lambda root: None
base.ensure(base.digest(), lambda line: None, used=())
"""

STAND_IN = """#!/bin/sh
for word; do case "$word" in */root) root=$word ;; esac; done
mkdir -p "$root"
echo built >> "$LOG"
while [ -e "$GATE" ]; do sleep 0.05; done
touch "$root/whole"
"""


class Builder:
    """Starts builds and knows how often mmdebstrap ran."""

    def __init__(self, directory: Path) -> None:
        self.cache, self.log, self.gate = directory / "cache", directory / "log", directory / "gate"
        self.tools = directory / "tools"
        self.tools.mkdir()
        stand_in = self.tools / "mmdebstrap"
        stand_in.write_text(STAND_IN.replace("$LOG", str(self.log)).replace("$GATE", str(self.gate)))
        stand_in.chmod(0o755)

    def start(self) -> subprocess.Popen[bytes]:
        env = os.environ | {"PATH": f"{self.tools}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
        return subprocess.Popen([sys.executable, "-c", BUILD, str(self.cache)], env=env)

    def runs(self) -> int:
        return len(self.log.read_text().splitlines()) if self.log.exists() else 0

    def await_runs(self, count: int) -> None:
        deadline = time.monotonic() + 10
        while self.runs() < count:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def built(self) -> list[str]:
        return sorted(path.name for path in self.cache.iterdir() if path.is_dir())


@pytest.fixture
def builder(tmp_path: Path) -> Builder:
    return Builder(tmp_path)


@pytest.mark.e2e
def test_two_builders_at_once_build_once(builder: Builder) -> None:
    builder.gate.touch()
    both = [builder.start(), builder.start()]
    builder.await_runs(1)
    time.sleep(0.2)
    builder.gate.unlink()
    assert [each.wait(10) for each in both] == [0, 0]
    assert builder.runs() == 1
    assert builder.built() == [base.digest()]


@pytest.mark.e2e
def test_a_builder_that_is_killed_leaves_no_base_and_no_process(builder: Builder) -> None:
    builder.gate.touch()
    killed = builder.start()
    builder.await_runs(1)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert base.digest() not in builder.built()
    deadline = time.monotonic() + 5
    while any(str(builder.cache) in line for line in command_lines()):
        assert time.monotonic() < deadline, "the build goes on without its builder"
        time.sleep(0.02)
    builder.gate.unlink()
    assert builder.start().wait(10) == 0
    assert builder.built() == [base.digest()]
    assert (builder.cache / base.digest() / "whole").exists()


def command_lines() -> list[str]:
    lines = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(file.read_text(errors="replace"))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return lines


@pytest.mark.e2e
def test_a_build_removes_bases_that_no_node_uses(builder: Builder) -> None:
    (builder.cache / "0123456789abcdef").mkdir(parents=True)
    assert builder.start().wait(10) == 0
    assert builder.built() == [base.digest()]


def test_the_digest_covers_the_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    before = base.digest()
    monkeypatch.setattr(base, "PACKAGES", (*base.PACKAGES, "rsync"))
    assert base.digest() != before


def test_a_base_of_an_older_recipe_that_is_gone_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "CACHE", tmp_path)
    with pytest.raises(Node1Error, match=r"the base .*/older of this node is gone"):
        base.ensure("older", lambda _line: None, used=())
