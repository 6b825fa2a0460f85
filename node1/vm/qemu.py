"""The process of a virtual machine: its command line, and its end."""

import contextlib
import os
import re
import signal
import time
import uuid
from pathlib import Path

import node1.directories as directories
from node1.error import Node1Error
from node1.record import Record
from node1.run import run
from node1.vm.address import INSIDE
from node1.vm.image import DISK

KVM = Path("/dev/kvm")
VIRTUALIZATION = {"vmx", "svm"}
"""The flags of a processor by which a hypervisor runs guests at full speed."""
MEMORY = "1536M"
PROCESSORS = min(2, os.cpu_count() or 1)
START_SECONDS = 60
# Against attacks on processors nothing is done: that costs time, and no two users share a disposable machine.
SPEED = "nopti mitigations=off quiet systemd.show_status=1"
KERNEL_ARGUMENTS = f"root=/dev/nvme0n1 rw net.ifnames=0 console=ttyS0 panic=-1 {SPEED}"


def is_accelerated() -> bool:
    """Whether KVM runs guests here: some hypervisors offer a /dev/kvm that interprets each instruction."""
    return accelerates(Path("/proc/cpuinfo").read_text(), may_write=os.access(KVM, os.R_OK | os.W_OK))


def accelerates(cpuinfo: str, *, may_write: bool) -> bool:
    """Whether a processor with this description can run guests itself, and /dev/kvm may be used."""
    flags = {flag for line in re.findall(r"^flags\s*:(.*)$", cpuinfo, re.MULTILINE) for flag in line.split()}
    return may_write and bool(flags & VIRTUALIZATION)


def start(record: Record, kernel: Path) -> None:
    """Start the machine in the background; returns once its ports are open."""
    path = pid_file(record.key)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Named relative to the node's directory: a comma in its name would end an option.
    run([*_command(record, path), "-kernel", kernel], cwd=record.directory, timeout=START_SECONDS)


def pid_file(key: str) -> Path:
    """The file with the process id of a machine. Its path, on the command line, names the process."""
    return directories.state() / "machines" / f"{key}.pid"


def pid_of(key: str) -> int:
    """The process id of the machine of the node with this key; 0 if it does not run."""
    path = pid_file(key)
    try:
        pid = int(path.read_text())
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return 0
    return pid if os.fsencode(path) in arguments else 0


def kill(key: str, timeout: float = 10) -> None:
    """Kill the machine at once, as a power cut does, and wait for its end."""
    deadline = time.monotonic() + timeout
    while pid := pid_of(key):
        with contextlib.suppress(ProcessLookupError):
            handle = os.pidfd_open(pid)
            try:
                if pid_of(key) == pid:
                    signal.pidfd_send_signal(handle, signal.SIGKILL)
            finally:
                os.close(handle)
        if time.monotonic() > deadline:
            raise Node1Error(f"qemu (pid {pid}) lives on {timeout:g} s after SIGKILL")
        time.sleep(0.01)
    pid_file(key).unlink(missing_ok=True)


def _command(record: Record, pid_path: Path) -> list[str | Path]:
    acceleration = "kvm" if is_accelerated() else "tcg,thread=multi,tb-size=512"
    processor = "host" if is_accelerated() else "max,la57=off"
    disk = (record.disk / DISK).relative_to(record.directory)
    # Nothing is flushed to the machine's own disk: what qemu has written outlives it in the machine's memory.
    drive = f"if=none,id=disk,file={disk},format=raw,cache=unsafe,discard=unmap"
    ports = ",".join(f"hostfwd=tcp:{record.address}:{port}-:{inside}" for port, inside in INSIDE.items())
    return [
        *("qemu-system-x86_64", "-nodefaults", "-display", "none", "-daemonize", "-pidfile", pid_path),
        *("-name", record.name, "-uuid", str(uuid.UUID(record.machine_id))),
        *("-machine", "q35", "-accel", acceleration, "-cpu", processor),
        *("-smp", str(PROCESSORS), "-m", MEMORY),
        *("-chardev", f"file,id=console,path={record.console.name},append=on", "-serial", "chardev:console"),
        *("-drive", drive, "-device", "nvme,drive=disk,serial=node1"),
        *("-netdev", f"user,id=network,restrict=on,{ports}", "-device", "virtio-net-pci,netdev=network"),
        *("-object", "rng-builtin,id=random", "-device", "virtio-rng-pci,rng=random"),
        *("-append", KERNEL_ARGUMENTS),
    ]
