"""The entries of the host half: the conversation, a transaction, and a probation."""

from __future__ import annotations

from pathlib import Path

from .values.layout import Layout


def enter(arguments: list[str]) -> int:
    """Dispatch on the first word; anything unknown is a bug of the caller. Each imports what it needs."""
    match arguments:
        case ["converse", program]:
            from .node.wire import Wire
            from .session import converse

            return converse(Layout(), Wire(), Path(program))
        case ["carry-out", name]:
            from .transaction.carry_out import carry_out

            carry_out(Layout(), name)
            return 0
        case ["probation", program, name]:
            from .records.record import Transaction
            from .transaction import probation

            probation.watch(Transaction(name, Layout()), Path(program))
            return 0
        case _:
            raise SystemExit(f"unknown arguments: {arguments}")
