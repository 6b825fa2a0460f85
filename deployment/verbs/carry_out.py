"""Carry out a verb that changes the node: ask first if it costs data, converse, show the result."""

from __future__ import annotations

import sys
from collections.abc import Callable

from ..errors import INTERRUPTED, DeployError, unusable
from ..remote.connection import Connection
from ..settings import Settings
from ..ui.display import choose
from ..ui.output import Output
from ..ui.results import Result, result_of
from .table import VERBS


def run(settings: Settings) -> int:
    """Carry out a change and return its exit code."""
    if VERBS[settings.change].question is not None:
        return shown(settings, lambda output: _after_question(settings, output))
    # ssh takes longer than all imports, so it starts first.
    with Connection(settings) as connection:
        return shown(settings, lambda output: _at_once(settings, output, connection))


def shown(settings: Settings, work: Callable[[Output], Result]) -> int:
    """Do the work, show its result or its error, and return the exit code."""
    output = choose(settings.json)
    try:
        result = work(output)
    except DeployError as error:
        result = result_of(error, settings.verb, settings.environment)
    except KeyboardInterrupt:
        output.interrupt()
        raise
    try:
        output.end(result)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        hint = f"make status ENV={settings.environment} shows how it went"
        code = result.exit_code or INTERRUPTED
        raise DeployError(unusable(error).message, hint, code=code) from error
    return result.exit_code


def _at_once(settings: Settings, output: Output, connection: Connection) -> Result:
    from . import change

    with connection:
        return change.change(settings, output, connection)


def _after_question(settings: Settings, output: Output) -> Result:
    """Ask with the impact of the change, if a person can be asked; then carry it out."""
    from . import change, consent, copies, foreseen

    copy = copies.named(settings, output) if VERBS[settings.change].takes_copy else None
    question = consent.question_of(settings, copy.shown if copy else "")
    if question is not None and question.foresees and consent.can_ask(settings):
        with Connection(settings) as connection:
            plan = change.foresee(settings, output, connection, copy)
        question = question.with_impact(foreseen.impact(settings.environment, plan))
    consent.ask(settings, question)
    with Connection(settings) as connection:
        return change.change(settings, output, connection, copy)
