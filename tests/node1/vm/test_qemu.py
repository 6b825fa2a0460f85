"""The process of a virtual machine: the choice of KVM, and a process id that must be its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from node1.vm import qemu

INTEL = "processor\t: 0\nflags\t\t: fpu vme vmx sse\nbugs\t\t:\n"
AMD = "processor\t: 0\nflags\t\t: fpu svm sse\n"
NEITHER = "processor\t: 0\nflags\t\t: fpu vme hypervisor\nvmx flags\t: vnmi\n"
KEY = "0123456789"


@pytest.mark.parametrize(
    ("cpuinfo", "may_write", "expected"),
    [
        (INTEL, True, True),
        (AMD, True, True),
        (INTEL, False, False),
        (NEITHER, True, False),
        ("", True, False),
    ],
)
def test_kvm_is_used_where_the_processor_runs_guests(cpuinfo: str, may_write: bool, expected: bool) -> None:
    """Some hypervisors offer a /dev/kvm without that: a hundred times slower than emulation."""
    assert qemu.accelerates(cpuinfo, may_write=may_write) == expected


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node1.directories.state", lambda: tmp_path)
    qemu.pid_file(KEY).parent.mkdir()


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """A process that has the path of the pid file on its command line, as qemu has."""
    sleep = "import time; print('started', flush=True); time.sleep(60)"
    argv = [sys.executable, "-c", sleep, str(qemu.pid_file(KEY))]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as child:
        assert child.stdout
        child.stdout.readline()
        qemu.pid_file(KEY).write_text(f"{child.pid}\n")
        yield child
        child.kill()


def test_machine_is_killed_at_once(process: subprocess.Popen[bytes]) -> None:
    """As in a power cut, and nothing happens where it was done before."""
    assert qemu.pid_of(KEY) == process.pid
    qemu.kill(KEY)
    assert process.wait(10) == -9
    assert qemu.pid_of(KEY) == 0
    qemu.kill(KEY)


@pytest.mark.parametrize(
    "content", [f"{os.getpid()}\n", "", "no number", "4194305"], ids=["ours", "", "text", "gone"]
)
def test_process_of_somebody_else_is_never_taken_for_a_machine(content: str) -> None:
    """A process id that was used again, and a file that a full disk has cut."""
    qemu.pid_file(KEY).write_text(content)
    assert qemu.pid_of(KEY) == 0
    qemu.kill(KEY)
    assert not qemu.pid_file(KEY).exists()
