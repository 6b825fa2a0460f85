"""What code that has taken over the service of dev cannot do, from inside its sandbox."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployment.build.units import render
from deployment.host.apply import rehearsal
from deployment.host.values.layout import Environment, Layout
from tests.deployment.shelves import release

from .back_door import BackDoor
from .faults import fault
from .findings import done_there
from .operator import Operator

DEV = Environment("dev")
LIMIT = 256 << 20  # bytes of a journal, as its configuration says
IS_LISTENED = "until ss -Hltn 'sport = :{port}' | grep -q '{address}'; do sleep 0.05; done"

SOCKETS = """
import os, socket, stat
for directory, names, files in os.walk("/"):
    if directory == "/":
        names[:] = [name for name in names if name not in ("proc", "sys", "usr")]
    for path in (os.path.join(directory, name) for name in files):
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            continue
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
            with socket.socket(socket.AF_UNIX, kind) as client:
                if client.connect_ex(path) == 0:
                    say(path)
"""
LISTED = """
import os
for path in ("/", "/opt/helionyx", "/var/lib", "/var/lib/helionyx"):
    say(f"{path}: {' '.join(os.listdir(path))}")
"""
WRITABLE = """
import os
for directory, names, _ in os.walk("/"):
    names[:] = [name for name in names if directory != "/" or name != "proc"]
    if os.access(directory, os.W_OK):
        say(directory)
        names.clear()
"""
LISTEN = """
import socket
for family, host, port in ((socket.AF_INET6, "::", 8002), (socket.AF_INET, "0.0.0.0", 0), (None, "", 0)):
    listener = socket.socket(family or socket.AF_INET)
    try:
        if family is socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if family:
            listener.bind((host, port))
        listener.listen()
    except OSError as error:
        say(error.strerror)
    else:
        say(f"listens on {listener.getsockname()}")
    listener.close()
"""
SIGNAL = """
import ctypes, os, signal
call = ctypes.CDLL(None, use_errno=True).syscall
calls = {"kill": (62, victim, 0), "tkill": (200, victim, 0), "tgkill": (234, victim, victim, 0)}
info = (ctypes.c_int * 32)(0, 0, -1)
calls |= {"rt_sigqueueinfo": (129, victim, 0, info), "rt_tgsigqueueinfo": (297, victim, victim, 0, info)}
descriptor = os.pidfd_open(victim)
calls |= {"pidfd_send_signal": (424, descriptor, 0, None, 0), "pidfd_getfd": (438, descriptor, 0, 0)}
calls |= {"process_vm_writev": (311, victim, None, 0, None, 0, 0), "ptrace": (101, 16, victim, 0, 0)}
for name, numbers in calls.items():
    child = os.fork()  # one of the calls ends whoever makes it
    if not child:
        os._exit(0 if call(*numbers) == 0 else 1)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
        say(name)
"""
RESOLVE = """
import socket
say(socket.getaddrinfo("bot.example.invalid", 443, socket.AF_INET, socket.SOCK_STREAM)[0][4][0])
"""
NAME_SERVER = """
import socket
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
while True:
    asked, client = server.recvfrom(512)
    question = asked[12 : asked.index(0, 12) + 5]
    address = bytes((0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 192, 0, 2, 1))
    server.sendto(asked[:2] + bytes((0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0)) + question + address, client)
"""
LISTENER = """
import socket, time
listener = socket.socket(socket.AF_INET6)
listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
listener.bind(("::", 8002))
listener.listen()
time.sleep(900)
"""
HELD = "import atexit, os, socket\nheld = socket.socket(fileno=os.dup(3))\n"  # the socket of dev
BINDS = "held.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b'lo')"
SHUTS = "held.shutdown(socket.SHUT_RDWR)"


def test_an_intruder_runs_as_the_user_of_dev(intruder: BackDoor) -> None:
    """The back door is one: what it runs is in the main process of dev, with the rights of its user."""
    pid, user = intruder.run("import os\nsay(os.getpid()); say(os.getuid())")
    operator, unit = intruder.operator, intruder.environment.service
    assert operator.on_node("systemctl", "show", "--property=MainPID", "--value", unit).strip() == pid
    assert operator.on_node("id", "-u", intruder.environment.user).strip() == user


def test_no_socket_of_another_program_is_reached(intruder: BackDoor) -> None:
    """No D-Bus, and so no logind; no journal of another environment. Readiness and its own log stay."""
    own = {f"/run/systemd/journal/{name}" for name in ("dev-log", "socket", "stdout")}
    assert set(intruder.run(SOCKETS)) <= {"/run/systemd/notify", *own}


def test_nothing_of_others_is_seen(intruder: BackDoor) -> None:
    """The disk ends at what a service needs: its own code and data, and the system's programs."""
    lines = intruder.run(LISTED)
    shown = {path: set(names.split()) for path, _, names in (line.partition(": ") for line in lines)}
    assert shown["/opt/helionyx"] == {"dev", "heads", "layers"}
    assert shown["/var/lib"] == {"helionyx"}
    assert shown["/var/lib/helionyx"] == {"dev"}
    assert not shown["/"] & {"boot", "home", "media", "mnt", "srv"}
    assert set(intruder.run(WRITABLE)) == {"/var/lib/helionyx/dev", "/tmp", "/var/tmp"}  # noqa: S108


def test_nothing_listens_beside_its_own_socket(intruder: BackDoor) -> None:
    """Neither on the port of live, nor on any other, nor on one that the kernel chooses."""
    assert intruder.run(LISTEN) == ["Operation not permitted"] * 3


def test_no_other_process_of_its_user_is_reached(intruder: BackDoor) -> None:
    """Such as a rehearsal, or a program of a deploy: no signal, no look at its memory."""
    operator = intruder.operator
    start = f"runuser -u {intruder.environment.user} -- sleep 900 > /dev/null 2>&1 & echo $!"
    runuser = operator.on_node("sh", "-c", start).strip()
    victim = operator.on_node("sh", "-c", f"until pgrep -P {runuser}; do sleep 0.01; done").strip()
    try:
        assert intruder.run(f"victim = {victim}{SIGNAL}") == []
    finally:
        operator.on_node("kill", victim)


def test_watchdog_ends_a_service_at_once(intruder: BackDoor) -> None:
    """SIGABRT, after which Python prints where it was, ends the process although it may signal nobody."""
    operator = intruder.operator
    pid = operator.pid("dev")
    operator.on_node("systemctl", "kill", "--signal=ABRT", "--kill-whom=main", DEV.service)
    operator.await_restart("dev", pid)
    shown = operator.on_node(
        "journalctl", f"--namespace=+{DEV.namespace}", "--unit", DEV.service, "--output=cat"
    )
    assert "Current thread" in shown
    assert "code=killed, status=31/SYS" in shown


def test_names_are_resolved(intruder: BackDoor) -> None:
    """By the name servers in a file below /run, as systemd-resolved has it: the bot needs them."""
    operator, resolve = intruder.operator, "/run/systemd/resolve"
    operator.node.run(["sh", "-c", "cat > /root/names.py"], input=NAME_SERVER)
    harm = f"""
        systemd-run --quiet --collect --unit=names python3 /root/names.py
        mkdir -p {resolve} && echo nameserver 127.0.0.1 > {resolve}/resolv.conf
        cp -a /etc/resolv.conf /root/ && ln -sf ../run/systemd/resolve/resolv.conf /etc/resolv.conf
        until ss -Hlun 'sport = :53' | grep -q .; do sleep 0.05; done
        systemctl restart {DEV.service}"""
    mend = f"systemctl stop names; cp -a --remove-destination /root/resolv.conf /etc/; rm -r {resolve}"
    with done_there(operator, harm, mend):
        assert intruder.run(RESOLVE) == ["192.0.2.1"]


def test_changed_socket_is_opened_anew(intruder: BackDoor) -> None:
    """One that is bound to the device by which the node asks; the one who asks here is not on the node."""
    operator = intruder.operator
    intruder.run(f"{HELD}{BINDS}")
    status = operator.status("dev")
    assert status["state"] == "degraded"
    assert "helionyx-dev.socket is not as systemd opened it: SO_BINDTODEVICE" in status["problems"][0]
    assert operator.change("restart", "dev")["callers"] == "an interruption"
    operator.await_ready("dev")


@pytest.mark.parametrize("program", [fault(BINDS, name="binds"), fault(SHUTS, name="shuts")])
def test_socket_changed_at_the_end_of_a_service_is_opened_anew(intruder: BackDoor, program: str) -> None:
    """After the look that a plan is made of."""
    intruder.run(f"{HELD}atexit.register(lambda: {program})")
    operator = intruder.operator
    done = operator.script("restart", "dev")
    assert done.returncode == 0, done.stdout
    assert "helionyx-dev.socket was changed" in done.stdout + done.stderr
    operator.await_ready("dev")
    assert operator.status("dev")["state"] == "running"


@pytest.fixture
def stranger(intruder: BackDoor) -> Iterator[str]:
    """A program of dev's user, beside its sandbox, that listens where live does, for callers by IPv6."""
    operator, unit = intruder.operator, "stranger"
    operator.node.run(["sh", "-c", "cat > /root/listener.py"], input=LISTENER)
    run = f"systemd-run --quiet --collect --unit={unit} --uid={intruder.environment.user}"
    harm = f"chmod a+rx /root; {run} python3 /root/listener.py; {IS_LISTENED.format(port=8002, address='::')}"
    with done_there(operator, harm, f"systemctl stop {unit}; chmod 700 /root"):
        yield operator.on_node("systemctl", "show", "--property=MainPID", "--value", unit).strip()


def test_who_listens_beside_live_is_named(intruder: BackDoor, stranger: str) -> None:
    """Whatever its address: status tells of it, and a deploy is refused."""
    operator, held = intruder.operator, f"python3 (pid {stranger}) on [::]:8002"
    status = operator.status("live")
    assert status["state"] == "degraded"
    assert [line for line in status["problems"] if held in line]
    assert held in operator.deploy("live", code=2)["message"]


def test_journal_is_bounded_from_its_first_line(dev: Operator) -> None:
    """Also that of a first deploy: the rehearsal is the first to write to it."""
    limits = _limits(dev, DEV)
    assert limits
    assert max(limits) <= LIMIT


def test_journal_without_its_limits_gets_them(dev: Operator) -> None:
    """As on a node of 0.4.0, where journald had started before its configuration was there."""
    path, last = f"/etc/systemd/{DEV.journal}", f"systemctl restart {DEV.journald}"
    dev.on_node("sh", "-c", f"mv {path} /root/ && {last} && cp /root/{DEV.journal} {path}")
    assert _limits(dev, DEV)[-1] > LIMIT
    assert dev.deploy("dev")["steps"][-1]["title"] == f"restart journal {DEV.namespace}"
    assert _limits(dev, DEV)[-1] == LIMIT
    assert dev.deploy("dev")["outcome"] == "nothing"


def _limits(operator: Operator, environment: Environment) -> list[int]:
    """The bytes that the journal of an environment may take on the disk, as its journald has said them."""
    usage = "MESSAGE_ID=ec387f577b844b8fa948f33cad9a75e6"  # SD_MESSAGE_JOURNAL_USAGE
    # By file, as a node that has been booted from a snapshot may have got another number for its machine.
    files = f"/var/log/journal/*.{environment.namespace}/*.journal"
    shown = operator.on_node("journalctl", f"--file={files}", "--output=json", usage)
    lines = [json.loads(line) for line in shown.splitlines()]
    return [int(line["LIMIT"]) for line in lines if line["JOURNAL_NAME"] == "System Journal"]


def test_exposure_of_the_units(dev: Operator, tmp_path: Path) -> None:
    """As systemd judges it: the sandbox of a service, and that of its rehearsal, are 1.0 or better."""
    layout, made = Layout(tmp_path), release(Layout(tmp_path))
    for name, content in render(DEV, "3.11", {"api_host": "0.0.0.0", "api_port": 8000}).items():
        path = layout.of("dev").releases / made.id / "units" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    unit = rehearsal.units(layout.of("dev"), made)[layout.of("dev").rehearsal_files[1]].decode()
    place = f"/run/systemd/system/{DEV.rehearsal_stem}.service"
    dev.node.run(["sh", "-c", f"cat > {place}"], input=unit)
    for name in (DEV.service, f"{DEV.rehearsal_stem}.service"):
        shown = dev.on_node("systemd-analyze", "security", "--no-pager", name).splitlines()[-1]
        assert float(shown.split(": ")[1].split()[0]) <= 1.0, shown
    dev.on_node("rm", place)


def test_user_manager_does_not_outlive_its_environment(dev: Operator) -> None:
    """A stop and a removal end it where a user lingers; what else runs is named, and ends with the user."""
    user = dev.on_node("id", "-u", DEV.user).strip()
    units = "/var/lib/helionyx/dev/.config/systemd/user/default.target.wants"
    escape = f"mkdir -p {units} && printf '[Service]\\nExecStart=/bin/sleep 901\\n' > {units}/escape.service"
    dev.on_node("runuser", "-u", DEV.user, "--", "sh", "-c", escape)
    linger = f"touch /var/lib/systemd/linger/{DEV.user} && systemctl start user@{user}.service"
    dev.on_node("sh", "-c", f"mkdir -p /var/lib/systemd/linger && {linger}")
    dev.on_node("sh", "-c", f"runuser -u {DEV.user} -- sleep 902 > /dev/null 2>&1 &")
    assert not dev.node.run(["pgrep", "-f", "sleep 901"]).stdout, "it has no home to be started from"
    status = dev.status("dev")
    assert "helionyx-dev lingers" in " ".join(status["problems"])
    assert "systemd (pid" in " ".join(status["notes"])
    stopped = dev.script("stop", "dev")
    assert stopped.returncode == 0
    assert "sleep (pid" in stopped.stdout + stopped.stderr
    assert not dev.node.run(["pgrep", "-u", user, "-x", "systemd"]).stdout
    dev.on_node("sh", "-c", linger)
    dev.change("remove", "dev")
    assert not dev.node.run(["sh", "-c", f"pgrep -u {user}; ls /var/lib/systemd/linger"]).stdout
    assert not dev.node.run(["getent", "passwd", DEV.user]).stdout
