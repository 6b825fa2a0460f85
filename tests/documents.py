"""Parts of the documents that tests run or compare."""

from __future__ import annotations

import textwrap
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def block(document: str, first: str) -> str:
    """The first indented block of a document that begins in this way, without its indent."""
    lines = (DOCS / document).read_text().splitlines()
    begin = next(number for number, line in enumerate(lines) if line.startswith(f"    {first}"))
    rest = enumerate(lines[begin:], begin)
    end = next((number for number, line in rest if line and not line.startswith("    ")), len(lines))
    return textwrap.dedent("\n".join(lines[begin:end])).rstrip() + "\n"
