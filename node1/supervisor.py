"""The process that keeps one node: `python -m node1.supervisor DIRECTORY HOST_NETWORK_NAMESPACE`.

It is started in a mount and a network namespace of its own. These, and so the node's mounts and its link, go
with its last process, however that ends. It sets the node up while its starter waits, and then leaves for the
background.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

import node1.base as base
import node1.disk as disk
import node1.network as network
from node1.cgroup import KEEPER, MACHINE, mount_points
from node1.error import Node1Error
from node1.record import Record, replace
from node1.run import environment, run

REBOOT = 133  # what systemd-nspawn --keep-unit ends with when its payload has asked for a reboot
CGROUPS = Path("/sys/fs/cgroup")


def main(arguments: list[str]) -> int:
    """Set the node up, or say why not with exit code 1; go on in the background."""
    host_namespace = int(arguments[1])
    try:
        record = Record.load(Path(arguments[0]))
        record.cgroup.join(KEEPER)
        root = disk.mount(record, base.path_of(record.base))
        network.connect(record, host_namespace)
        _own_mounts()
    except Node1Error as error:
        print(error, file=sys.stderr)
        return 1
    if os.fork() != 0:
        os._exit(0)
    os.close(host_namespace)
    _detach(record.console)
    return _keep(record, root)


def _own_mounts() -> None:
    """Show systemd-nspawn the same machine everywhere: cgroup2 alone, and a /run/systemd that is a tmpfs."""
    Path("/run/systemd").mkdir(exist_ok=True)
    run(["mount", "-t", "tmpfs", "tmpfs", "/run/systemd"])
    if CGROUPS not in mount_points():
        run(["mount", "-t", "cgroup2", "cgroup2", CGROUPS])


def _detach(log: Path) -> None:
    os.setsid()
    os.chdir("/")
    null = os.open(os.devnull, os.O_RDONLY)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for source, target in ((null, 0), (output, 1), (output, 2)):
        os.dup2(source, target)


def _keep(record: Record, root: Path) -> int:
    """Boot the node, and again for as long as it ends by asking for a reboot."""
    code = REBOOT
    while code == REBOOT:
        record.cgroup.renew(MACHINE)
        replace(record.directory / "boots", f"{record.boots + 1}\n")
        _log(f"boot {record.boots}")
        code = _boot(record, root)
        _log(f"systemd-nspawn ended with exit code {code}")
    record.cgroup.kill(MACHINE)  # a systemd-nspawn that was killed leaves its payload running
    return code


def _boot(record: Record, root: Path) -> int:
    # nspawn puts itself and its payload into two cgroups below its own, which must hold no other process.
    child = subprocess.Popen(
        [*base.nspawn(base.path_of(record.base)), *_options(record, root)],
        preexec_fn=lambda: record.cgroup.join(MACHINE),
        env=environment(),
    )

    def shut_down(_number: int, _frame: FrameType | None) -> None:
        child.terminate()  # nspawn passes it on as an orderly shutdown

    signal.signal(signal.SIGTERM, shut_down)
    return child.wait()


def _options(record: Record, root: Path) -> list[str | Path]:
    return [
        "--quiet",
        "--boot",
        f"--directory={root}",
        f"--machine={record.name}",
        f"--uuid={record.machine_id}",
        "--register=no",
        "--keep-unit",
        "--network-namespace-path=/proc/self/ns/net",
        "--console=read-only",
        "--resolv-conf=off",
        "--timezone=off",
        "--link-journal=no",
        # The disk is disposable, and its bytes are the kernel's of this machine either way.
        "--suppress-sync=yes",
        "--rlimit=NOFILE=1024:524288",
        # Without bpf, systemd inside accepts IPAddressDeny= and DevicePolicy= and silently ignores them. A
        # server lets root take a descriptor of another process, too.
        "--system-call-filter=bpf pidfd_getfd",
        "--capability=CAP_BPF,CAP_PERFMON",
    ]


def _log(line: str) -> None:
    print(time.strftime("%Y-%m-%dT%H:%M:%S%z"), line, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
