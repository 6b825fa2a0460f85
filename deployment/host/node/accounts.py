"""The account that a service runs as, and the features that tell it from an account of anybody else."""

from __future__ import annotations

import grp
import pwd
from dataclasses import dataclass
from pathlib import Path

from ..values.errors import StepFailed
from ..values.layout import Environment
from .run import run

HOME = "/"  # systemd --user starts what lies in its user's home: it must not be the user's own directory
LAST_SYSTEM = 999  # the highest number that systemd-sysusers gives to an account
NO_LOGIN = ("nologin", "false")


@dataclass(frozen=True)
class Account:
    """A line of the user database, and the number of the group that bears the same name."""

    name: str
    uid: int
    gid: int
    comment: str
    home: str
    login_shell: str
    group: int | None = None


def mark(environment: Environment) -> str:
    """The comment by which an account of ours is known. It dies with the account."""
    return f"Helionyx {environment.name} (made by its deployment)"


def is_marked(account: Account, environment: Environment) -> bool:
    """Whether a deploy has created the account."""
    return account.comment == mark(environment)


def is_as_created(account: Account, environment: Environment) -> bool:
    """Whether the account has the mark and the home that a deploy gives to it today."""
    return is_marked(account, environment) and account.home == HOME


def is_of_earlier(account: Account, environment: Environment, home: Path) -> bool:
    """Whether the account has all that versions up to 0.4.0 gave to theirs, which carry no mark."""
    return (
        0 < account.uid <= LAST_SYSTEM
        and account.comment == f"Helionyx {environment.name}"
        and account.home == str(home)
        and Path(account.login_shell).name in NO_LOGIN
    )


def is_ours(account: Account, environment: Environment, home: Path) -> bool:
    """Whether this deployment or an earlier version of it has created the account."""
    return is_marked(account, environment) or is_of_earlier(account, environment, home)


def of(environment: Environment) -> Account | None:
    """The account of the environment's name, whoever created it; None where there is none."""
    try:
        entry = pwd.getpwnam(environment.user)
    except KeyError:
        return None
    names = (entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_gecos, entry.pw_dir, entry.pw_shell)
    return Account(*names, group=group_of(environment))


def group_of(environment: Environment) -> int | None:
    """The number of the group of the environment's name; None where there is none."""
    try:
        return grp.getgrnam(environment.user).gr_gid
    except KeyError:
        return None


def create(environment: Environment) -> None:
    """Create the account and its group, with our mark."""
    line = f'u {environment.user} - "{mark(environment)}" {HOME}'
    run(["systemd-sysusers", "--inline", line])


def put_mark(environment: Environment) -> None:
    """Give our mark, and the home of today, to an account that an earlier version has created."""
    _refuse_strange(environment)
    values = ["--comment", mark(environment), "--home", HOME]
    # Without a prefix usermod gives no home to a user that has processes, as this one does.
    run(["usermod", "--prefix", "/.", *values, environment.user])


def remove(environment: Environment) -> None:
    """Remove the account and its group, which `userdel` leaves where others are members of it."""
    _refuse_strange(environment)
    run(["userdel", environment.user])
    if group_of(environment) is not None:
        run(["groupdel", environment.user])


def _refuse_strange(environment: Environment) -> None:
    """Check the account again right before it is changed: the plan may be out of date."""
    account = of(environment)
    if account is None or not is_ours(account, environment, environment.data):
        raise StepFailed(
            f"the account {environment.user} is not the one that a deploy has created.",
            "it was left as it is",
        )
