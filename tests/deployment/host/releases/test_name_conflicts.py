"""Names that are taken: an account, unit, directory or journal that no deploy has made is told from ours."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from deployment.host.node import accounts
from deployment.host.node.accounts import Account
from deployment.host.records import audit
from deployment.host.releases import name_conflicts, releases
from deployment.host.values.errors import StepFailed
from deployment.host.values.layout import Environment, Layout

DEV, LIVE = Environment("dev"), Environment("live")
HOME = Path("/var/lib/helionyx/dev")
MARKED = Account("helionyx-dev", 997, 997, accounts.mark(DEV), str(HOME), "/usr/sbin/nologin", 997)
EARLIER = replace(MARKED, comment="Helionyx dev")
PERSON = Account("helionyx-dev", 1001, 1001, "", "/home/helionyx-dev", "/bin/bash", 1001)


@pytest.mark.parametrize(
    ("account", "ours"),
    [
        (MARKED, True),
        (replace(MARKED, login_shell="/bin/bash", home="/root"), True),  # an account of ours that was edited
        (EARLIER, True),
        (replace(EARLIER, login_shell="/sbin/nologin"), True),
        (replace(EARLIER, uid=1000), False),
        (replace(EARLIER, uid=0), False),
        (replace(EARLIER, home="/home/dev"), False),
        (replace(EARLIER, login_shell="/bin/sh"), False),
        (replace(EARLIER, comment=""), False),
        (replace(EARLIER, comment="Helionyx live"), False),
        (PERSON, False),
        (replace(PERSON, uid=998, login_shell="/usr/sbin/nologin"), False),
    ],
)
def test_account_is_ours_by_its_mark_or_by_all_that_earlier_versions_gave(
    account: Account, *, ours: bool
) -> None:
    """A person's account, or a system account of another program, is never ours."""
    assert accounts.is_ours(account, DEV, HOME) is ours
    assert (list(name_conflicts.account(account, account.group, Layout().of("dev"))) == []) is ours


@pytest.mark.parametrize(
    ("account", "is_current"),
    [(MARKED, False), (replace(MARKED, home="/"), True), (replace(EARLIER, home="/"), False)],
)
def test_account_of_today_has_no_home_of_its_own(account: Account, *, is_current: bool) -> None:
    """A user manager would start what lies there: a deploy mends the account of an earlier version."""
    assert accounts.is_as_created(account, DEV) is is_current


def test_person_of_the_name_is_named_with_the_way_out() -> None:
    """The number and the home tell who it is."""
    ((item),) = name_conflicts.account(PERSON, PERSON.group, Layout().of("dev"))
    assert item.text == "the user helionyx-dev (uid 1001, home /home/helionyx-dev, shell /bin/bash)"
    assert "usermod --login OTHER_NAME helionyx-dev" in item.hint
    edited = replace(EARLIER, login_shell="/bin/bash")
    (item,) = name_conflicts.account(edited, edited.group, Layout().of("dev"))
    assert "usermod --comment 'Helionyx dev (made by its deployment)' helionyx-dev" in item.hint


@pytest.mark.parametrize(("account", "group"), [(None, 1003), (MARKED, 1003)])
def test_group_of_somebody_else_is_named(account: Account | None, group: int) -> None:
    """A group without our user is named, and a group of our user's name that is not the user's own."""
    (item,) = name_conflicts.account(account, group, Layout().of("dev"))
    assert item.text == "the group helionyx-dev (gid 1003)"


def test_account_is_looked_at_once_more_before_it_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plan that is older than the account removes and marks nothing."""
    calls: list[list[str]] = []
    monkeypatch.setattr(accounts, "of", lambda _: PERSON)
    monkeypatch.setattr(accounts, "run", calls.append)
    for act in (accounts.remove, accounts.put_mark):
        with pytest.raises(StepFailed, match="is not the one that a deploy has created"):
            act(Layout(tmp_path).of("dev"))
    assert not calls


def _file(layout: Layout, name: str, text: str = "x") -> None:
    path = layout.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


SERVICE = "etc/systemd/system/helionyx-dev.service"
STRANGE = {
    "unit": (SERVICE, "[Service]\nExecStart=/usr/bin/other\n"),
    "unit that is no file": (f"{SERVICE}/x", ""),
    "unit of a package": ("usr/lib/systemd/system/helionyx-dev.service", ""),
    "unit of a generator": ("run/systemd/generator.late/helionyx-dev.service", ""),
    "unit that runs for now": ("run/systemd/transient/helionyx-dev.socket", ""),
    "unit of the rehearsal's name": ("etc/systemd/system/helionyx-dev-rehearsal.service", ""),
    "unit of the bridge's name": ("etc/systemd/system/helionyx-dev-next.service", ""),
    "unit that counts before ours": ("etc/systemd/system.control/helionyx-dev.service", ""),
    "address": ("etc/systemd/system/socket.d/x.conf", "[Socket]\nListenStream=127.0.0.1:8000\n"),
    "journal's configuration": ("etc/systemd/journald@helionyx-dev.conf", "[Journal]\n"),
    "journal's configuration of a package": ("usr/lib/systemd/journald@helionyx-dev.conf", ""),
    "journal": ("var/log/journal/0123.helionyx-dev/system.journal", ""),
    "code": ("opt/helionyx/bin/other", ""),
    "code of the environment": ("opt/helionyx/dev/notes.txt", ""),
    "data of another program": ("var/lib/helionyx/cache/x", ""),
    "data": ("var/lib/helionyx/dev/diary.txt", ""),
}


@pytest.mark.parametrize("kind", STRANGE)
def test_what_no_deploy_has_made_is_taken(tmp_path: Path, kind: str) -> None:
    """Each is named by its path, and the hint moves it away."""
    layout, (name, text) = Layout(tmp_path), STRANGE[kind]
    _file(layout, name, text)
    found = name_conflicts.of(layout.of("dev"))
    assert len(found) == 1
    path = next(path for path in (tmp_path / name, *(tmp_path / name).parents) if str(path) in found[0].text)
    assert f"mv {path}" in found[0].hint
    assert (
        name_conflicts.of(layout.of("live")) == found if kind in ("code", "data of another program") else True
    )
    assert releases.unit_files(layout.of("dev")) == {}


OURS = {
    "nothing": ("var/lib/other", ""),
    "service": (SERVICE, "ExecStart=/usr/bin/python3.11 -IS /opt/helionyx/dev/current/run.py x\n"),
    "socket": (
        "etc/systemd/system/helionyx-dev.socket",
        "[Unit]\nDescription=Helionyx dev: the socket that stays open while the service restarts\n",
    ),
    "journal's configuration": (
        "etc/systemd/journald@helionyx-dev.conf",
        "# The journal of Helionyx dev: kept\n",
    ),
    "rehearsal": ("run/systemd/system/helionyx-dev-rehearsal.service", ""),
    "bridge": ("run/systemd/system/helionyx-dev-next.service", ""),
    "layers": ("opt/helionyx/layers/x", ""),
    "releases": ("opt/helionyx/dev/releases/x", ""),
    "log": ("var/lib/helionyx/dev/events/events.db", ""),
    "log where a configuration has put it": ("var/lib/helionyx/dev/a/b/events.db", ""),
    "empty volume": ("var/lib/helionyx/dev/lost+found/x", ""),
    "journal that was kept": ("var/log/journal/0123.helionyx-dev/system.journal", "known"),
}


@pytest.mark.parametrize("kind", OURS)
def test_what_a_deploy_has_left_is_ours(tmp_path: Path, kind: str) -> None:
    """After a removal, a cut deploy, or with a volume that is brought along."""
    layout, (name, text) = Layout(tmp_path), OURS[kind]
    _file(layout, name, text.replace("/opt/", f"{layout.root}/opt/"))
    if text == "known":
        layout.state.mkdir(parents=True)
        audit.append(layout, event="end", environment="dev", verb="remove")
    assert name_conflicts.of(layout.of("dev")) == ()


def test_edited_unit_of_a_deployed_environment_is_ours(tmp_path: Path) -> None:
    """A deploy puts it right, as ever; only the names that a deploy does not write itself are still taken."""
    layout = Layout(tmp_path)
    for name in (SERVICE, "var/lib/helionyx/dev/diary.txt", "usr/lib/systemd/system/helionyx-dev.service"):
        _file(layout, name)
    (layout.of("dev").releases / "c0ffee000000-111111111111").mkdir(parents=True)
    assert name_conflicts.of(layout.of("dev")) == ()
    assert set(releases.unit_files(layout.of("dev"))) == {"helionyx-dev.service"}
    for place in ("etc/systemd/system.control", "run/systemd/transient"):
        _file(layout, f"{place}/helionyx-dev.service")
        assert place in name_conflicts.of(layout.of("dev"))[0].text
        (tmp_path / place / "helionyx-dev.service").unlink()
    _file(layout, "etc/systemd/system/helionyx-dev-rehearsal.service")
    assert len(name_conflicts.of(layout.of("dev"))) == 1


@pytest.mark.parametrize(
    ("text", "is_taken"),
    [
        ("[Socket]\nListenStream=127.0.0.1:9000\n", True),
        ("[Socket]\n ListenDatagram = 9000\n", True),
        ("[Socket]\nListenStream=\nBacklog=5\n", False),
        ("[Socket]\n#ListenStream=9000\n", False),
    ],
)
def test_address_of_a_drop_in_is_refused(tmp_path: Path, text: str, is_taken: bool) -> None:
    """The socket would have two, and no look would agree with what was asked for: exit 4, with it down."""
    layout = Layout(tmp_path)
    _file(layout, "etc/systemd/system/helionyx-dev.socket.d/x.conf", text)
    (layout.of("dev").releases / "c0ffee000000-111111111111").mkdir(parents=True)
    found = name_conflicts.of(layout.of("dev"))
    assert bool(found) is is_taken
    assert not found or ("API_PORT= in .env.dev" in found[0].hint and found[0].dropin)
