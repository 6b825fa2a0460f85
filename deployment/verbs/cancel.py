"""Cancel the changes of an environment that have not begun their switch."""

from __future__ import annotations

import time

from ..errors import DONE
from ..remote.connection import Connection
from ..remote.messages import Cancellation, CancelledChange, Cancelling, Hello
from ..settings import Settings
from ..ui.output import Output
from ..ui.results import Cancelled
from .actor import actor
from .carry_out import shown
from .outcome import CODES


def run(settings: Settings) -> int:
    """Cancel, show the result, and return the exit code."""
    return shown(settings, lambda output: cancel(settings, output))


def cancel(settings: Settings, output: Output) -> Cancelled:
    """Cancel what has not switched yet. Raises `DeployError` where a change is past its switch."""
    started, environment = time.monotonic(), settings.environment
    with Connection(settings) as connection:
        connection.answer(Hello)
        connection.say(verb="cancel", environment=environment, actor=actor(settings.root))
        answer = _answer(connection, output)
    for change in answer.changes:
        output.note(f"  {_sentence(change)}")
    if answer.remark:
        output.warn(answer.remark)
    return Cancelled(
        outcome="done" if answer.changes else "nothing",
        exit_code=DONE,
        verb=settings.verb,
        environment=environment,
        node=settings.node,
        changes=answer.changes,
        seconds=round(time.monotonic() - started, 3),
        summary=_summary(environment, answer),
    )


def _answer(connection: Connection, output: Output) -> Cancellation:
    """Wait until each cancelled change has ended."""
    while True:
        match connection.answer(Cancelling, Cancellation, codes=CODES):
            case Cancelling(change):
                output.begin(f"cancel {change}")
            case Cancellation() as answer:
                return answer


def _sentence(change: CancelledChange) -> str:
    """The end of one change."""
    return f"{change.verb} by {change.actor}: {change.message.rstrip('.')}"


def _summary(environment: str, answer: Cancellation) -> str:
    if not answer.changes:
        return f"nothing to cancel, no change of {environment} is under way"
    number = len(answer.changes)
    return f"{number} change{'s' if number > 1 else ''} of {environment} cancelled before the switch"
