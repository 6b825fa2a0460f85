"""Byte code that Python loads without a look at its source: for trees that nobody edits.

The form is that of PEP 552, "unchecked hash". The bytes depend on the source alone: from marshal's version 3
on they depend on what else the compiling process refers to, hence version 2.
"""

from __future__ import annotations

import importlib.util
import marshal

SERVICE = 2  # the optimization level of a release (-OO): without docstrings and assertions
UNCHECKED_HASH = (1).to_bytes(4, "little")
WITHOUT_REFERENCES = 2  # version of marshal's format


def compiled(source: bytes, filename: str, optimize: int = SERVICE) -> bytes:
    """Return the contents of a `.pyc` file for this Python. Raises `SyntaxError` and `ValueError`."""
    code = compile(source, filename, "exec", dont_inherit=True, optimize=optimize)
    header = importlib.util.MAGIC_NUMBER + UNCHECKED_HASH + importlib.util.source_hash(source)
    return header + marshal.dumps(code, WITHOUT_REFERENCES)


def path_of(source: str) -> str:
    """Return where Python looks for byte code, such as `a/__pycache__/b.cpython-311.opt-2.pyc`."""
    return importlib.util.cache_from_source(source, optimization=SERVICE)
