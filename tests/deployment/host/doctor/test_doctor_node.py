"""`make doctor` at the node's end: facts in, lines out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from deployment.host.doctor import condition, rules
from deployment.host.doctor import doctor as there
from deployment.host.doctor.condition import Facts, Port
from deployment.host.doctor.directory_check import Directory
from deployment.host.doctor.faults import Fault
from deployment.host.doctor.log_check import Chain
from deployment.host.doctor.vitals import FileSystem, System
from deployment.host.event_log.deleted import Held
from deployment.host.records import locks, record
from deployment.host.records.locks import Holder
from deployment.host.values import check
from deployment.host.values.check import BAD, OK, WARN, Check
from deployment.host.values.errors import StepFailed
from deployment.host.values.layout import Environment, Layout
from deployment.host.values.manifest import BOT, Manifest
from deployment.host.values.observed import NameConflict, Observed
from deployment.host.values.question import Configured, Question
from tests.deployment.conftest import not_ok

HELD = (Held("e.db", "/proc/812/fd/7"), Held("e.db-wal", "/proc/812/fd/8"))
GONE = Chain(problem="none in it", there=False)
GB = 10**9
DISK = FileSystem("/", size=100 * GB, free=50 * GB, inodes=10**6, inodes_free=500_000)
DEV = Facts(
    Environment("dev"),
    exists=True,
    release="1a2b3c4d5e6f-9f8e7d6c5b4a",
    layer="0" * 64,
    layer_held=True,
    pid=812,
    user=997,
    directories=(Directory("/var/lib/helionyx/dev", "0700 helionyx-dev", "0700 helionyx-dev"),),
    chain=Chain(3),
    port=Port(8000, own=True),
)


@pytest.mark.parametrize(
    ("found", "level"),
    [
        (DISK, OK),
        (replace(DISK, free=9 * GB), WARN),
        (replace(DISK, size=1 * GB, free=499_000_000), WARN),
        (replace(DISK, free=63_000_000), BAD),
        (replace(DISK, inodes_free=99_000), WARN),
        (replace(DISK, inodes_free=3_999), BAD),
        (replace(DISK, inodes=0, inodes_free=0), OK),
        (replace(DISK, read_only=True), BAD),
    ],
)
def test_room_on_a_file_system(found: FileSystem, level: str) -> None:
    """Less than a tenth or 500 MB is a warning, less than a deploy needs is bad; some count no inodes."""
    judged = rules.file_system(found)
    assert judged.level == level
    assert bool(judged.mend) is (level != OK)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (System(252, "running"), []),
        (System(251, "running"), [("systemd", BAD)]),
        (System(None, "running"), [("systemd", BAD)]),
        (System(255, "degraded", ("a.service", "b.mount")), [("failed units", WARN)]),
        (System(255, "starting"), [("systemd", WARN)]),
    ],
)
def test_service_manager(found: System, expected: list[tuple[str, str]]) -> None:
    """Its age is bad; failed units, which are named, and a boot that goes on are warnings."""
    wrong = not_ok(list(rules.system(found)))
    assert [item[:2] for item in wrong] == expected
    assert all(name in wrong[0][2] for name in found.failed)


def test_time_service_that_cannot_be_asked_is_no_fault() -> None:
    """Only one that says no is a warning."""
    assert not list(rules.synchronized(None))
    assert not not_ok(list(rules.synchronized(True)))
    assert not_ok(list(rules.synchronized(False)))


def test_audit_names_the_line() -> None:
    """The first that does not fit."""
    assert rules.audit([{}] * 4, None, "/a").level == OK
    assert "line 3 of 4" in rules.audit([{}] * 4, 3, "/a").text


def test_environment_in_order_has_no_mend() -> None:
    """A line for each thing, all of them ok; the same when it was stopped on purpose."""
    assert not not_ok(list(condition.judge(DEV)))
    stopped = list(condition.judge(replace(DEV, stopped=True, port=Port(8000))))
    assert not not_ok(stopped)
    assert "stopped on purpose" in {item.text for item in stopped}


@pytest.mark.parametrize("level", [OK, WARN, BAD])
def test_bot_has_its_line(level: str) -> None:
    """Where the release has one and can ask whose it is; as it was found."""
    bot = Check("bot", level, "whose it is", "" if level == OK else "a mend")
    assert bot in list(condition.judge(replace(DEV, bot=bot)))
    assert "bot" not in {item.name for item in condition.judge(DEV)}


def test_absent_environment_is_one_line() -> None:
    """Whose port is looked at all the same."""
    free = list(condition.judge(Facts(Environment("live"), port=Port(8002))))
    assert [item.text for item in free] == ["not deployed here yet; port 8002 is free"]
    held = list(condition.judge(Facts(Environment("live"), port=Port(8002, holder="nginx (pid 812)"))))
    assert not_ok(held) == [("port", BAD, "8002 is held by nginx (pid 812)")]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (replace(DEV, faults=(Fault("units", "/etc/x is not as it was"),)), ("units", BAD, "/etc/x")),
        (replace(DEV, faults=(Fault("release", "y of release 1"),)), ("release", BAD, "y of release 1")),
        (replace(DEV, faults=(Fault("service", "not ready: x"),)), ("service", BAD, "not ready: x")),
        (replace(DEV, faults=(Fault("boot", "not on boot"),)), ("boot", BAD, "not on boot")),
        (replace(DEV, faults=(Fault("python", "it is gone"),)), ("python", BAD, "it is gone")),
        (replace(DEV, layer_held=False), ("dependencies", BAD, "is gone")),
        (replace(DEV, restarts=2), ("restarts", WARN, "restarted 2 times")),
        (replace(DEV, user=None), ("user", BAD, "helionyx-dev does not exist")),
        (
            replace(DEV, directories=(Directory("/d", "0700 helionyx-dev", "0777 root"),)),
            ("directory", BAD, "/d is 0777 root, and should be 0700 helionyx-dev"),
        ),
        (replace(DEV, directories=(Directory("/d", "0755 root", None),)), ("directory", BAD, "not there")),
        (replace(DEV, chain=Chain(9, 4)), ("event log", BAD, "position 4 of 9")),
        (replace(DEV, chain=Chain(problem="no such file")), ("event log", BAD, "no such file")),
        (replace(DEV, chain=None), ("event log", WARN, "not verified")),
        (replace(DEV, chain=Chain(problem="no end", late=True)), ("event log", WARN, "no end")),
        (replace(DEV, chain=GONE), ("event log", BAD, "none in it")),
        (replace(DEV, chain=Chain(2, claimed=3)), ("event log", BAD, "still holds 3 events")),
        (replace(DEV, chain=replace(GONE, claimed=1)), ("event log", BAD, "holds 1 event in")),
        (replace(DEV, chain=Chain(3, claimed=3, deleted=HELD)), ("event log", BAD, "file that was deleted")),
        (replace(DEV, chain=Chain(problem="x"), layer_held=False), ("dependencies", BAD, "is gone")),
        (replace(DEV, chain=Chain(problem="x"), groupless=9), ("user", BAD, "the group helionyx-dev")),
        (replace(DEV, chain=check.bad("event log", "it tripped", "x")), ("event log", BAD, "it tripped")),
        (replace(DEV, port=check.bad("port", "it tripped", "x")), ("port", BAD, "it tripped")),
        (replace(DEV, directories=check.bad("directories", "no", "x")), ("directories", BAD, "no")),
        (replace(DEV, unseen=check.bad("units", "no end", "x")), ("units", BAD, "no end")),
        (replace(DEV, configured=False), (".env.dev", BAD, "no such file")),
        (replace(DEV, port=Port(8000, holder="nginx (pid 8)")), ("port", BAD, "held by nginx (pid 8)")),
        (
            replace(DEV, port=Port(8000, own=True, beside="nc (pid 8) on [::]:8000")),
            ("port", BAD, "also held by nc (pid 8) on [::]:8000"),
        ),
        (replace(DEV, strays=("sleep (pid 8)",)), ("processes", WARN, "have not started: sleep (pid 8)")),
        (replace(DEV, faults=(Fault("user", "helionyx-dev lingers"),)), ("user", BAD, "lingers")),
        (replace(DEV, port=Port(8001, neighbour="staging")), ("port", BAD, "8001 belongs to staging")),
        (replace(DEV, port=Port(8000, "10.1.2.3", local=False)), ("address", BAD, "10.1.2.3")),
        (replace(DEV, bot_of="live"), ("bot", BAD, "live has the same one")),
        (replace(DEV, open_to=("live",)), ("token", BAD, "the code of live can read and write it")),
        (replace(DEV, others=(("live", "other"),)), ("project", BAD, "belongs to other, which has its live")),
        (replace(DEV, unfinished=("t1",)), ("unfinished", WARN, "t1")),
        (
            replace(DEV, links=(NameConflict("/opt/helionyx cannot", "mount it"),)),
            ("link", BAD, "/opt/helionyx cannot"),
        ),
        (replace(DEV, port=Port(8000, "::ffff:7f00:1")), ("address", BAD, "::ffff:7f00:1 is 127.0.0.1 in")),
        (replace(DEV, noexec="/opt"), ("disk", BAD, "/opt is mounted noexec")),
        (replace(DEV, dropins=("/etc/x.conf",)), ("drop-ins", WARN, "put them there: /etc/x.conf")),
        (
            replace(DEV, taken=(NameConflict("the user helionyx-dev (uid 1000)", "rename it"),)),
            ("name", BAD, "the user helionyx-dev (uid 1000) is there, and no deploy has made it"),
        ),
        (replace(DEV, changing=Holder("deploy", "Ada")), ("changing", WARN, "by Ada (deploy)")),
    ],
)
def test_fault_of_an_environment_is_one_line(facts: Facts, expected: tuple[str, str, str]) -> None:
    """With what was found and a mend; everything else stays ok."""
    name, level, found = expected
    ((seen, judged, text),) = not_ok(list(condition.judge(facts)))
    assert (seen, judged) == (name, level)
    assert found in text


def test_directory_is_mended_by_a_deploy() -> None:
    """Whether it is missing or wrong: a deploy follows no link that its user lays there meanwhile."""
    facts = replace(DEV, directories=(Directory("/d", "0700 helionyx-dev", None),))
    mends = [item.mend for item in condition.judge(facts) if item.mend]
    assert mends == ["make deploy ENV=dev"]


def test_what_stands_in_the_place_of_a_directory_is_moved_away() -> None:
    """Else no directory can be made there."""
    facts = replace(DEV, directories=(Directory("/d", "0755 root", "a file", other=True),))
    mends = [item.mend for item in condition.judge(facts) if item.mend]
    assert mends == ["as root on the node: mv -T /d /d.aside; then make deploy ENV=dev"]
    above = Directory("/d", "0700 helionyx-dev", "0700 helionyx-dev")
    facts = replace(DEV, directories=(above, Directory("/d/e", "0700 helionyx-dev", "a link", other=True)))
    (mend,) = [item.mend for item in condition.judge(facts) if item.mend]
    assert (
        mend
        == "as root on the node: runuser -u helionyx-dev -- mv -T /d/e /d/e.aside; then make deploy ENV=dev"
    )


@pytest.mark.parametrize(
    ("startable", "mend"), [(True, "make start ENV=dev"), (False, "make logs ENV=dev FOLLOW=0")]
)
def test_service_that_was_only_stopped_is_started(startable: bool, mend: str) -> None:
    """One that has failed has its reasons in the journal."""
    facts = replace(DEV, faults=(Fault("service", "it is down"),), startable=startable)
    assert [item.mend for item in condition.judge(facts) if item.mend] == [mend]


@pytest.mark.parametrize("ends", [False, True])
def test_change_that_begins_while_it_is_looked_at_is_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends: bool
) -> None:
    """What was seen during it is thrown away; if it has ended since, all is looked at once more."""
    dev = (layout := Layout(tmp_path)).of("dev")
    looks: list[Facts] = []

    def facts(*_: object) -> Facts:
        looks.append(replace(DEV, pid=len(looks), faults=() if looks else (Fault("boot", "half made"),)))
        if len(looks) == 1:
            change.__enter__()
            if ends:
                request = {"environment": "dev", "verb": "deploy", "actor": {}}
                record.create(layout, request).write("result", outcome="done")
                change.__exit__(None, None, None)
        return looks[-1]

    change = locks.environment_lock(layout, "dev", Holder("deploy", "Ada"))
    monkeypatch.setattr(there, "_facts", facts)
    found = list(there._environment(dev, Question(layout, (dev,))))
    if ends:
        assert not not_ok(found)
        assert len(looks) == 2
    else:
        change.__exit__(None, None, None)
        assert [item[:2] for item in not_ok(found)] == [("changing", WARN)]
        assert "by Ada (deploy)" in found[0].text


def test_directories_are_looked_at_as_they_lie(tmp_path: Path) -> None:
    """A file in the place of one hides what should be below it, and is no end of the look."""
    (path := tmp_path / "var/lib/helionyx/dev").parent.mkdir(parents=True)
    path.write_text("")
    found = {item.path: item for item in there._directories(Layout(tmp_path).of("dev"))}
    assert (found[str(path)].actual, found[str(path)].other) == ("a file", True)
    assert found[f"{path}/events"].actual is None


def test_directory_of_a_user_who_is_gone_is_left_to_a_deploy() -> None:
    """Which makes the user first."""
    wrong = Directory("/d", "0700 helionyx-dev", "0700 997")
    mends = {item.mend for item in condition.judge(replace(DEV, user=None, directories=(wrong,)))}
    assert mends == {"", "make deploy ENV=dev"}


def test_bot_of_a_neighbour_is_found_by_either_configuration() -> None:
    """By the operator's file, or by what the release was made with where there is no file."""
    made = Manifest(
        *("dev", "c", False, "s", "3.11", "p", "l", {}, {}, {"api_host": "::", "api_port": 8000}, {BOT: "d1"})
    )
    seen = Observed(bots={"live": "d1"})
    assert there._bot_of(seen, there._of_manifest(made)) == "live"
    assert there._bot_of(seen, Configured("::", 8000, "d2")) is None
    assert there._bot_of(Observed(), None) is None


def test_look_that_fails_is_a_finding_and_ends_no_other() -> None:
    """What was found before it stays."""

    def look(error: Exception) -> list[Check]:
        def trip() -> object:
            yield check.ok("a", "b")
            raise error

        return there._attempt("disk", trip)  # type: ignore[arg-type]

    for error in (StepFailed("no end after 10 s: systemctl"), KeyError("size")):
        first, second = look(error)
        assert first.level == OK
        assert (second.name, second.level) == ("disk", BAD)
        assert second.mend
