"""The commands that hints and documents give to root: none goes by a name that another user can turn."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from deployment import arguments
from deployment.host.apply import directories
from deployment.host.apply.work import Work
from deployment.host.doctor import condition, log_check
from deployment.host.doctor.condition import Facts
from deployment.host.doctor.directory_check import Directory
from deployment.host.event_log import deleted, loss
from deployment.host.node import files
from deployment.host.records.verified_releases import Place
from deployment.host.releases import links
from deployment.host.values.desired import Running
from deployment.host.values.errors import StepFailed
from deployment.host.values.layout import Environment, Layout
from deployment.host.values.log import Log
from deployment.remote import messages
from deployment.settings import ROOT
from deployment.ui import redacted
from deployment.verbs.outcome import outcome_of

DEV = Environment("dev")
DATA = "/var/lib/helionyx/dev"
CHANGES = "install|chown|chmod|chgrp|mv|rm|rmdir|cp|mkdir|ln|touch|tee|dd|mount|tar|rsync|find|cat|sed"
# A command, up to where the next one begins.
COMMAND = re.compile(rf"\b(?:{CHANGES}) [^;|&`]*")
BELOW = re.compile(r"(?:/var/lib/helionyx/(?:dev|staging|live|<env>)/|/proc/)\S+")
AS_USER = re.compile(r"(?:(?:runuser|sudo) -u \S+ (?:-- )?|setpriv --reuid=\S+ [^;|&]*-- )$")
FIRST = re.compile("(install|mv|rm|cp|python3) ")
CODE = re.compile(r"\S*python\S* -\S+ /opt/helionyx/\S+/run\.py")


def as_root(text: str) -> Iterator[str]:
    """The commands in a text that touch, as root, what lies below the data of an environment."""
    for found in COMMAND.finditer(text):
        if BELOW.search(found[0]) and not AS_USER.search(text[: found.start()]):
            yield found[0]
    yield from (item[0] for item in CODE.finditer(text) if not AS_USER.search(text[: item.start()]))


@pytest.mark.parametrize(
    "text",
    [
        f"as root: install -d -m 0700 -o helionyx-dev {DATA}/events",
        f"mv {DATA}/events {DATA}/kept/unreadable-1",
        f"then rm -rf {DATA}/kept/5-0123456789ab; then",
        "cp /proc/812/fd/7 /root/events.db",
        "ENV=dev python3 -IS /opt/helionyx/dev/current/run.py services.event_log head",
    ],
)
def test_command_of_root_is_found(text: str) -> None:
    """Else the tests below would show nothing."""
    assert list(as_root(text))
    assert not list(as_root(FIRST.sub(r"runuser -u helionyx-dev -- \1 ", text, count=1)))


def hints() -> Iterator[tuple[str, str]]:
    """Each hint about what lies below an environment's data, by its name."""
    wrong = (
        Directory(f"{DATA}/events", "0700 helionyx-dev", None),
        Directory(f"{DATA}/projections", "0700 helionyx-dev", "0755 root"),
        Directory(f"{DATA}/projections", "0700 helionyx-dev", "a link", other=True),
        Directory(DATA, "0700 helionyx-dev", "0700 root"),
    )
    for user in (900, None):
        facts = Facts(DEV, exists=True, user=user, directories=wrong)
        for check in condition.judge(facts):
            yield f"directory {user} {check.text}", check.mend
    held = (deleted.Held("events.db", "/proc/812/fd/7"), deleted.Held("events.db-wal", "/proc/812/fd/8"))
    for there in (True, False):
        found = log_check.Chain(store=f"{DATA}/events", there=there, claimed=4, pid=812, deleted=held)
        yield f"deleted {there}", next(log_check.judge(found, DEV, explained=False)).mend
        found = log_check.Chain(store=f"{DATA}/events", there=there, claimed=4, pid=812)
        yield f"elsewhere {there}", next(log_check.judge(found, DEV, explained=False)).mend
    for before in (Path(DATA) / "log", None):
        store = Path(DATA) / "events"
        lost = loss.judge(loss.Facts(DEV, store, Log(4, "a" * 64), missing=True, before=before))
        assert lost is not None
        yield f"moved {before}", lost.hint
    settings = arguments.read(["redact", "dev"], {"POSITION": "12", "REASON": "x"})
    result = outcome_of(settings, messages.Result("done"), None)
    for remark in redacted.remarks(replace(result, facts=messages.Facts(archived=(f"{DATA}/kept/5-0",)))):
        yield "archived", remark


@pytest.mark.parametrize(("name", "hint"), list(hints()))
def test_hint_leads_root_to_no_name_below_the_data(name: str, hint: str) -> None:
    """A deploy does it, or the user itself."""
    assert not list(as_root(hint)), name


@pytest.mark.parametrize(
    "document", ["README.md", *sorted(f"docs/{path.name}" for path in ROOT.glob("docs/*.md"))]
)
def test_document_leads_root_to_no_name_below_the_data(document: str) -> None:
    """Nor does root run the code of a release."""
    text = (ROOT / document).read_text().replace("\\\n", " ")
    assert [item for line in text.splitlines() for item in as_root(line)] == []


def test_hints_of_the_code_name_no_such_path(tmp_path: Path) -> None:
    """As they stand in the sources, with placeholders: `install -d` and `chown` are for a deploy."""
    commands = re.compile(r"(?<!\[\")\b(?:install -d|chown|chgrp) [-{]")
    found = [
        f"{path.name}: {line.strip()}"
        for package in ("deployment", "services")
        for path in (ROOT / package).rglob("*.py")
        for line in path.read_text().splitlines()
        if commands.search(line)
    ]
    assert found == []
    layout = Layout(tmp_path)
    data = layout.of("dev").data
    data.mkdir(parents=True)
    (data / "events").symlink_to("/etc")
    (taken,) = links.of(layout.of("dev"))
    assert (
        f"runuser -u helionyx-dev -- mv -T {data}/events {data}/events.link; then make deploy" in taken.hint
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a directory to somebody")
@pytest.mark.parametrize("place", ["events", "projections", ""])
def test_deploy_follows_no_link_to_a_directory_of_roots(place: str, tmp_path: Path) -> None:
    """The owner of the data lays a link where a directory is to be made: what it leads to stays root's."""
    layout, target = Layout(tmp_path), tmp_path / "roots"
    target.mkdir(mode=0o755)
    data = layout.of("dev").data
    data.parent.mkdir(parents=True)
    if place:
        data.mkdir()
        os.chown(data, 65534, 65534)
        (data / place).symlink_to(target)
        os.chown(data / place, 65534, 65534, follow_symlinks=False)
    else:
        data.symlink_to(target)
        os.chown(data, 65534, 65534, follow_symlinks=False)
    path = data / place
    with pytest.raises(OSError):  # noqa: PT011  ELOOP or ENOTDIR
        files.directory(path, 65534, 0o700)
    with pytest.raises(OSError):  # noqa: PT011  the parent is looked at in the same manner
        files.directory(path / "below", 65534, 0o700)
    with pytest.raises(StepFailed, match="cannot be used"):
        directories.create(_work(layout, tmp_path), str(path))
    found = target.stat()
    assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (0, 0o755)
    assert not any(target.iterdir())


def _work(layout: Layout, staged: Path) -> Work:
    wanted = Running(environment=DEV)
    return Work(layout.of("dev"), staged, None, None, Place(False, None, None), wanted)
