"""Ask for the environment's name before data is deleted or replaced."""

from __future__ import annotations

import sys

from ..errors import DeployError
from ..host.values.printable import printable
from ..settings import Settings
from . import questions
from .differences import Commits, Differences
from .questions import Question
from .table import VERBS


def question_of(settings: Settings, contents: str = "") -> Question | None:
    """The question that a request has to answer, if any; `contents` describes the backup that it brings."""
    question = VERBS[settings.verb].question
    return question(settings, contents) if question is not None else None


def can_ask(settings: Settings) -> bool:
    """Whether a person sits at a terminal and can be asked."""
    return settings.confirm is None and sys.stdin.isatty() and not settings.json


def ask(settings: Settings, question: Question | None, details: tuple[str, ...] = ()) -> None:
    """Ask a question; without a terminal `CONFIRM` is the answer.

    Raises `DeployError` unless the answer is the environment's name; `details` are for programs, which see no
    lines above it.
    """
    if question is None:
        return
    name = settings.environment
    answer = _typed(name, question) if can_ask(settings) else settings.confirm or ""
    if answer != name:
        problem = f"the answer was {answer!r}, not {name!r}" if answer else "it was not confirmed"
        hint = f"type {name} at a terminal, or give CONFIRM={name} where there is none{question.hint}"
        shown = details if settings.json else ()
        raise DeployError(f"{question.refusal}: {problem}.", hint, details=shown)


def ask_about_another(settings: Settings, other: str | None) -> None:
    """Ask before an environment gets the log of another, unless the restore has asked already.

    The node waits meanwhile, with nothing touched. Raises `DeployError` as `ask` does.
    """
    if other and question_of(settings) is None:
        ask(settings, questions.of_foreign_backup(settings, other))


def asks_about_release(settings: Settings) -> bool:
    """Whether the node waits for a word behind the plan of the release that is to run."""
    return settings.environment == "live" and bool(VERBS[settings.verb].release)


def question_about_release(settings: Settings, between: Differences) -> Question | None:
    """The question before live loses commits or secrets; a rollback was typed to take commits back."""
    commits = between.commits if VERBS[settings.change].builds else Commits()
    return questions.of_release(settings, commits, between.keys)


def ask_about_release(settings: Settings, between: Differences) -> None:
    """Ask before live loses something. The node waits meanwhile, with nothing touched.

    Raises `DeployError` as `ask` does.
    """
    ask(settings, question_about_release(settings, between), tuple(between.lines))


def _typed(name: str, question: Question) -> str:
    """Return the answer. Ctrl-C counts as another name: nothing has begun yet."""
    sys.stderr.writelines(printable(line) + "\n" for line in question.lines)
    sys.stderr.write(f"Type {name} to {question.action}: ")
    sys.stderr.flush()
    try:
        answer = sys.stdin.readline()
    except KeyboardInterrupt:
        answer = ""
    if not answer.endswith("\n"):  # Ctrl-D and Ctrl-C leave the cursor behind the question
        sys.stderr.write("\n")
    return answer.strip()
