"""The questions before data is deleted or replaced, and before live loses something. Values alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..settings import Settings

if TYPE_CHECKING:  # ssh starts before they are imported
    from .differences import Commits, Keys

EMPTY = "empty"  # the BACKUP= that is no file: an explicit new beginning


@dataclass(frozen=True)
class Question:
    """A warning, after which the operator types the name of the environment."""

    warning: str
    action: str  # behind "Type dev to"
    refusal: str  # the beginning of the error where it is not confirmed
    hint: str = ""
    foresees: bool = False  # whether the node is asked first for the impact
    impact: str = ""

    def with_impact(self, impact: str) -> Question:
        """The same question with the impact of the change, a sentence without its capital and its dot."""
        return replace(self, impact=impact)

    @property
    def lines(self) -> list[str]:
        """The lines above the prompt."""
        shown = f"{self.impact[:1].upper()}{self.impact[1:]}."
        return [self.warning, shown] if self.impact else [self.warning]


def of_removal(settings: Settings, _: str) -> Question | None:
    """Ask before the data of any environment is deleted, and before live is removed."""
    name, node = settings.environment, settings.node
    if settings.delete:
        return Question(
            f"All data of {name} on {node} will be deleted for good.",
            "delete it",
            f"the data of {name} was not deleted",
            "; without DATA=delete the data stays",
        )
    if name != "live":
        return None
    return Question(
        f"live on {node} will be stopped and removed with its releases. Its data stays there.",
        "remove it",
        "live was not removed",
    )


def of_redaction(settings: Settings, _: str) -> Question | None:
    """Ask before words are redacted in live."""
    if settings.environment != "live":
        return None
    where = f"position {settings.position} of live on {settings.node}"
    return Question(
        f"The words at {where} will be gone for good.",
        "redact it",
        "the event of live was not redacted",
        foresees=True,
    )


def of_restore(settings: Settings, contents: str) -> Question | None:
    """Ask before the log of live, or of any environment an empty one, replaces another.

    `contents` describes the backup, if it is on this machine.
    """
    name, is_empty = settings.environment, settings.backup == EMPTY
    if name != "live" and not is_empty:
        return None
    backup = f"{settings.backup}, {contents}," if contents else settings.backup
    log = "An empty event log" if is_empty else backup
    return Question(
        f"{log} replaces the event log of {name} on {settings.node}, which is archived there.",
        "start a new log" if is_empty else "restore it",
        f"the log of {name} was not replaced",
        foresees=True,
    )


def of_release(settings: Settings, commits: Commits, keys: Keys) -> Question | None:
    """Ask before commits that run in live are taken back, and before its secrets change or go.

    A commit that this repository does not have counts as one that is taken back.
    """
    if settings.environment != "live":
        return None
    effects = [*_losses(commits), *_invalid(keys)]
    if not effects:
        return None
    effect, is_rollback = ", ".join(effects), settings.change == "rollback"
    return Question(
        f"{effect}.",
        "roll back" if is_rollback else settings.change,
        effect,
        "; CONFIG=current keeps the configuration" if is_rollback else "",
    )


def _losses(commits: Commits) -> list[str]:
    """The commits that live would lose, in a sentence."""
    if commits.unknown:
        return [f"{commits.unknown}, and may be newer"]
    number = len(commits.gone)
    return [f"live would lose {number} commit{'s' if number > 1 else ''}"] if number else []


def _invalid(keys: Keys) -> list[str]:
    """The secrets of live that would not be valid any more, a sentence each."""
    return [f"its {key} would {'go' if key in keys.gone else 'change'}" for key in keys.secrets]


def of_foreign_backup(settings: Settings, other: str) -> Question:
    """Ask before an environment gets the log of another."""
    name = settings.environment
    return Question(
        f"{settings.backup} is a backup of {other}: all that was said there would be in {name}.",
        "restore it",
        f"{name} did not get the log of {other}",
    )
