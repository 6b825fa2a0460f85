"""The results of a benchmark, as rows: the measurement, its goal and whether it is met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Row:
    """One figure."""

    name: str
    value: float
    unit: str
    goal: str = ""
    met: bool | None = None
    """None where there is no goal."""
    note: str = ""


def below(name: str, value: float, unit: str, limit: float, note: str = "") -> Row:
    """A figure that should be smaller than `limit`."""
    return Row(name, value, unit, f"< {limit:g} {unit}", value < limit, note)


def at_least(name: str, value: float, unit: str, limit: float, note: str = "") -> Row:
    """A figure that should be `limit` or more."""
    return Row(name, value, unit, f">= {limit:g} {unit}", value >= limit, note)


def table(rows: Sequence[Row]) -> str:
    """For a person to read."""
    lines = [f"{'':<52} {'measured':>16}  {'goal':<14} met"]
    for row in rows:
        met = {None: "", True: "yes", False: "NO"}[row.met]
        line = f"{row.name:<52} {_number(row.value):>10} {row.unit:<5}  {row.goal:<14} {met:<3}  {row.note}"
        lines.append(line.rstrip())
    return "\n".join(lines)


def objects(rows: Sequence[Row]) -> list[dict[str, object]]:
    """For a program to read."""
    return [asdict(row) for row in rows]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
