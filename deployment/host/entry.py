"""Which part of the host half runs."""

from __future__ import annotations

from pathlib import Path

from .layout import Layout
from .session import converse
from .transaction import carry_out
from .wire import Wire


def enter(arguments: list[str]) -> int:
    """Dispatch on the first word; anything unknown is a bug of the caller."""
    match arguments:
        case ["converse", program]:
            return converse(Layout(), Wire(), Path(program))
        case ["carry-out", name]:
            carry_out(Layout(), name)
            return 0
        case _:
            raise SystemExit(f"unknown arguments: {arguments}")
