"""Which part of the host half runs."""

from __future__ import annotations

import sys
from pathlib import Path

from .errors import HostError
from .model import Layout
from .session import converse
from .transaction import carry_out
from .wire import Wire


def enter(arguments: list[str]) -> int:
    """Dispatch on the first word; anything unknown is a bug of the caller."""
    match arguments:
        case ["converse", program]:
            return _converse(Path(program))
        case ["carry-out", name]:
            carry_out(Layout(), name)
            return 0
        case _:
            raise SystemExit(f"unknown arguments: {arguments}")


def _converse(program: Path) -> int:
    wire = Wire()
    try:
        return converse(Layout(), wire, program)
    except HostError as error:
        wire.say(
            "result",
            outcome=error.outcome,
            message=error.message,
            hint=error.hint,
            details=list(error.details),
        )
        return 0
    except BrokenPipeError:
        sys.stderr.close()
        return 1
