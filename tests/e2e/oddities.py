"""Runs on the node as root: lay something odd into the data of dev, and bring dev back to what it was."""

import contextlib
import ctypes
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

USER = "helionyx-dev"
DATA, OPT = Path("/var/lib/helionyx/dev"), Path("/opt/helionyx/dev")
SANDBOX = Path("/var/lib/helionyx-sandbox/dev")
OURS = (DATA, OPT, SANDBOX)  # the directories that a removal takes away
NEIGHBOUR = Path("/var/lib/helionyx/staging")
CANARY = Path("/root/canary")
SAVED, ASIDE = Path("/root/saved"), Path("/root/aside")
UNITS = ("helionyx-dev.socket", "helionyx-dev.service")
SHUTDOWN = "helionyx-dev-shutdown.service"
DIRECTORIES = ("events", "projections", "kept", "archived", "next", "half", "copy")
BY_ROOT = ("device", "immutable", "foreign", "hard", "flipping")  # kinds that no service could lay itself
PLACES: dict[str, Path] = {}  # filled by `prepare`: the archived log bears the head of the log


def _odd(kind: str, place: Path) -> None:
    """Lay something odd at a place where nothing is any more, or into a directory that is there."""
    links = {"loop": place, "dangling": Path("nowhere"), "secret": CANARY / "secret", "top": Path("/")}
    links["neighbour"] = NEIGHBOUR / place.relative_to(DATA)
    if kind in links:
        place.symlink_to(links[kind])
    elif kind == "pipe":
        os.mkfifo(place)
    elif kind == "socket":
        os.chdir(place.parent)  # the path of a socket is short; this process only lays
        with socket.socket(socket.AF_UNIX) as opened:
            opened.bind(place.name)
    elif kind == "directory":
        place.mkdir()
        (place / "within").touch()
    elif kind == "empty":
        place.touch()
    elif kind == "garbage":
        place.write_bytes(b"\x1b[2J\xff\n" * 10_000)
    elif kind == "sparse":
        with place.open("wb") as file:
            file.truncate(1 << 40)
    elif kind == "device":
        os.mknod(place, stat.S_IFCHR | 0o666, os.makedev(1, 5))
    elif kind == "hard":
        place.hardlink_to(CANARY / "public")
    else:
        _into(kind, place)


def _into(kind: str, place: Path) -> None:
    """Lay something odd into a directory."""
    names = {"long": "n" * 255, "newline": "a\nexit 0: done", "escape": "\x1b[2J\x1b]0;x\x07"}
    names |= {"bytes": os.fsdecode(b"\xff\xfe\x80"), "named": "12-0123456789ab"}
    if kind in names:
        (place / names[kind]).symlink_to(names[kind])
    elif kind == "many":
        for number in range(20_000):
            (place / f"{number}-{number:012x}").touch()
    else:
        count, name = {"nested": (20, "d" * 255), "deep": (2_000, "d")}[kind]
        here = os.open(place, os.O_RDONLY)
        for _ in range(count):
            os.mkdir(name, dir_fd=here)
            inner = os.open(name, os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = inner
        os.close(os.open("leaf", os.O_CREAT | os.O_WRONLY, dir_fd=here))
        os.close(here)


MODES = {"unreadable": 0o000, "setuid": 0o6777}
INTO = ("long", "newline", "escape", "bytes", "named", "many", "nested", "deep")


@contextlib.contextmanager
def laid(kind: str, place: Path) -> Iterator[None]:
    """Lay something odd at a place. Whatever was there comes back with `reset`."""
    flipper = 0
    if kind in (*MODES, "immutable", "foreign", "flipping") and not os.path.lexists(place):
        _as_user(place.mkdir if place in map(PLACES.get, DIRECTORIES) else place.touch)
    if kind in INTO:
        _as_user(lambda: _into(kind, place))
    elif kind in MODES:
        _as_user(lambda: place.chmod(MODES[kind]))
    elif kind == "immutable":
        subprocess.run(["chattr", "+i", place], check=True, timeout=10, capture_output=True)
    elif kind == "foreign":
        os.lchown(place, *pwd.getpwnam("helionyx-staging")[2:4])
    else:
        ASIDE.mkdir(exist_ok=True)
        if os.path.lexists(place) and kind != "flipping":
            place.rename(ASIDE / place.name)
        if kind == "flipping":
            flipper = _flipping(place)
        else:
            (lambda lay: lay() if kind in BY_ROOT else _as_user(lay))(lambda: _odd(kind, place))
    try:
        yield
    finally:
        if flipper:
            os.kill(flipper, signal.SIGKILL)
            os.waitpid(flipper, 0)
        if kind == "immutable":
            subprocess.run(["chattr", "-i", place], check=False, timeout=10, capture_output=True)


def _as_user(act: Callable[[], object]) -> None:
    """Do something as the user of dev, in a process of its own."""
    account = pwd.getpwnam(USER)
    child = os.fork()
    if not child:
        code = 1
        try:
            os.setgroups([])
            os.setresgid(account.pw_gid, account.pw_gid, account.pw_gid)
            os.setresuid(account.pw_uid, account.pw_uid, account.pw_uid)
            os.umask(0o077)
            act()
            code = 0
        except BaseException:  # noqa: BLE001  it is told
            traceback.print_exc()
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _flipping(place: Path) -> int:
    """Let a file and a link to the canary change places, as fast as a process can."""
    beside = place.with_name("flipping")
    beside.symlink_to(CANARY / "secret")
    child = os.fork()
    if not child:
        libc = ctypes.CDLL(None)
        one, other = os.fsencode(place), os.fsencode(beside)
        while True:
            libc.renameat2(-100, one, -100, other, 2)
            time.sleep(0.0001)
    return child


def prepare() -> None:
    """An archived log beside the log, the canary, and a copy of all that is dev's."""
    for old in (CANARY, ASIDE):
        shutil.rmtree(old, ignore_errors=True)
    CANARY.mkdir()
    for name, mode in (("secret", 0o600), ("public", 0o644)):
        (CANARY / name).write_text("canary\n")
        (CANARY / name).chmod(mode)
    if SAVED.exists():
        reset()
        _name_places()
        return
    _systemctl("stop", *UNITS)
    _name_places()
    _as_user(lambda: _archive(PLACES["archived"]))
    SAVED.mkdir()
    for path in filter(Path.exists, (*OURS, *_files())):
        target = SAVED / path.relative_to("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "--archive", path, target], check=True, timeout=60)
    _systemctl("start", *UNITS)


def _name_places() -> None:
    store = SAVED / "var/lib/helionyx/dev/events" if SAVED.exists() else DATA / "events"
    program = ["/usr/bin/python3", "-IS", str(OPT / "current/run.py"), "services.event_log", "head"]
    argv = [*program, "--store", str(store)]
    done = subprocess.run(argv, check=True, capture_output=True, text=True, timeout=60)
    position, head = done.stdout.split()
    archived = DATA / "kept" / f"{position}-{head[:12]}"
    model = next((path for path in sorted((DATA / "projections").glob("*.db"))), DATA / "projections/x.db")
    PLACES.update(
        {
            "data": DATA,
            "events": DATA / "events",
            "projections": DATA / "projections",
            "kept": DATA / "kept",
            "log": DATA / "events/events.db",
            "wal": DATA / "events/events.db-wal",
            "shm": DATA / "events/events.db-shm",
            "head": DATA / "events.head",
            "model": model,
            "last backup": DATA / "events.last_backup",
            "archived": archived,
            "copy": DATA / ".backup",
            "archived log": archived / "events.db",
            "next": DATA / "kept/.next",
            "half": DATA / "kept/.half",
            "old model": model.with_name("helionyx-0123456789ab.db"),
        }
    )


def _archive(place: Path) -> None:
    place.mkdir(parents=True)
    shutil.copy(DATA / "events/events.db", place)


def _files() -> list[Path]:
    system = Path("/etc/systemd/system")
    names = [Path("/etc") / name for name in ("passwd", "group", "shadow", "gshadow")]
    journal = Path("/etc/systemd/journald@helionyx-dev.conf")
    return [
        *names,
        Path("/opt/helionyx/heads/dev.json"),
        journal,
        *(system / name for name in (*UNITS, SHUTDOWN)),
    ]


def reset() -> None:
    """Bring dev back to what it was, running."""
    subprocess.run(["systemctl", "stop", *UNITS], check=False, timeout=120, capture_output=True)
    for path in OURS:
        subprocess.run(["chattr", "-R", "-i", path], check=False, timeout=60, capture_output=True)
        subprocess.run(["rm", "-rf", "--one-file-system", path], check=True, timeout=60)
    subprocess.run(["rm", "-rf", ASIDE], check=True, timeout=60)
    for path in (*OURS, *_files()):
        if (saved := SAVED / path.relative_to("/")).exists():
            subprocess.run(["cp", "--archive", saved, path], check=True, timeout=60)
    _systemctl("daemon-reload")
    _systemctl("reset-failed", *UNITS)
    _systemctl("enable", "--quiet", *UNITS)
    _systemctl("start", *UNITS)


def _systemctl(*words: str) -> None:
    subprocess.run(["systemctl", *words], check=words[0] != "reset-failed", timeout=120, capture_output=True)
