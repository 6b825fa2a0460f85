"""What `make doctor` finds on a real node, for the tests that harm one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from .operator import Operator

Finding = tuple[str | None, str, str]  # (environment, name, level)


def examine(operator: Operator, *words: str, code: int = 0, **environ: str) -> dict[Finding, list[str]]:
    """`make doctor`: what was found and the mends, by environment, name and level."""
    done = operator.script("doctor", *words, "--json", **environ)
    assert done.returncode == code, f"exit {done.returncode}, not {code}\n{done.stdout}\n{done.stderr}"
    result = json.loads(done.stdout)
    assert result["exit_code"] == code
    found: dict[Finding, list[str]] = {}
    for item in result["checks"]:
        assert bool(item["mend"]) is (item["level"] != "ok"), item
        found.setdefault((item["environment"], item["name"], item["level"]), []).extend(
            (item["found"], item["mend"])
        )
    return found


def bad(found: dict[Finding, list[str]]) -> set[tuple[str | None, str]]:
    """What needs hands: (environment, name)."""
    return {(environment, name) for environment, name, level in found if level == "bad"}


@contextmanager
def done_there(operator: Operator, harm: str, mend: str) -> Iterator[None]:
    """A shell's lines on the node, and what takes them back."""
    operator.on_node("sh", "-c", harm)
    try:
        yield
    finally:
        operator.on_node("sh", "-c", mend)
