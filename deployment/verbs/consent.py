"""What costs the words of people is done only for somebody who has typed what it is about."""

from __future__ import annotations

import sys

from ..errors import DeployError
from ..host.values.printable import printable
from ..settings import Settings
from .copies import EMPTY, Copy


def asks(settings: Settings) -> bool:
    """Whether somebody sits there who can be asked."""
    return settings.confirm is None and sys.stdin.isatty() and not settings.json


def wanted(settings: Settings) -> bool:
    """Whether a restore or a redaction of this environment asks for its name."""
    is_live = settings.environment == "live"
    return (settings.verb in ("restore", "redact") and is_live) or settings.backup == EMPTY


def ask(settings: Settings, copy: Copy | None = None, more: str = "") -> None:
    """Ask for the environment's name before its data is deleted, live is removed, or a log gives way.

    Without a terminal it is given as `CONFIRM`. `more` is what else is known of what will become of it.
    Raises `DeployError` if the name is another one, or none.
    """
    name = settings.environment
    if settings.delete:
        _typed(
            settings,
            [f"All data of {name} on {settings.node} will be deleted for good."],
            "delete it",
            f"the data of {name} is deleted",
            "; without DATA=delete the data stays",
        )
    elif settings.verb == "remove" and name == "live":
        _typed(
            settings,
            [f"live on {settings.node} will be stopped and removed with its releases. Its data stays there."],
            "remove it",
            "live is removed",
        )
    elif settings.verb == "redact" and wanted(settings):
        where = f"position {settings.position} of live on {settings.node}"
        warning = f"The words at {where} will be gone for good."
        warnings = [warning, f"{more[:1].upper()}{more[1:]}."] if more else [warning]
        _typed(settings, warnings, "redact it", "an event of live is redacted")
    elif wanted(settings):
        what = f"{settings.backup}{f', {copy.shown},' if copy else ''}"
        if settings.backup == EMPTY:
            what = "An empty event log"
        warning = f"{what} replaces the event log of {name} on {settings.node}, which is archived there."
        warnings = [warning, f"{more[:1].upper()}{more[1:]}."] if more else [warning]
        act = "start a new log" if settings.backup == EMPTY else "restore it"
        _typed(settings, warnings, act, f"the log of {name} is replaced")


def ask_about_another(settings: Settings, other: str | None) -> None:
    """Ask for the environment's name before it gets the log of another; live was asked for already.

    The node waits meanwhile, with nothing touched. Raises `DeployError` as `ask` does.
    """
    if other and not wanted(settings):
        name = settings.environment
        warning = f"{settings.backup} is a backup of {other}: all that was said there would be in {name}."
        _typed(settings, [warning], "restore it", f"{name} gets the log of {other}")


def _typed(settings: Settings, warnings: list[str], act: str, what: str, more: str = "") -> None:
    name = settings.environment
    if asks(settings):
        sys.stderr.writelines(printable(warning) + "\n" for warning in warnings)
        sys.stderr.write(f"Type {name} to {act}: ")
        sys.stderr.flush()
        typed = _line()
    else:
        typed = settings.confirm or ""
    if typed != name:
        raise DeployError(
            f"{what} only when its name is typed, not {typed!r}.",
            f"CONFIRM={name} where there is no terminal{more}",
        )


def _line() -> str:
    """What is typed. Nothing has begun yet: Ctrl-C is as good as another name."""
    try:
        typed = sys.stdin.readline()
    except KeyboardInterrupt:
        typed = ""
    if not typed.endswith("\n"):  # Ctrl-D and Ctrl-C leave the cursor behind the question
        sys.stderr.write("\n")
    return typed.strip()
