"""Byte code that Python loads without a look at its source: for trees that nobody edits.

The form is that of PEP 552, "unchecked hash". The bytes depend on the source and the version of Python alone.
"""

from __future__ import annotations

import importlib.util
import marshal
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path, PurePath

VERSION = importlib.util.MAGIC_NUMBER.hex()  # of the byte code that this Python makes and understands
WITHOUT_DOCSTRINGS = 2  # the level of optimization that leaves out docstrings, and assertions too
WITHOUT_REFERENCES = 2  # a version of marshal: later ones depend on what else is in memory
FORM_NAME = ".byte-code"  # in a release: the file that says in which form its byte code is
FORM = f"Python {VERSION}, optimization {WITHOUT_DOCSTRINGS}, marshal {WITHOUT_REFERENCES}\n"
UNCHECKED_HASH = (1).to_bytes(4, "little")


def compiled(source: bytes, filename: str, optimize: int = WITHOUT_DOCSTRINGS) -> bytes:
    """Return the contents of a `.pyc` file for this Python. Raises `SyntaxError` and `ValueError`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # dependencies are not ours to mend
        code = compile(source, filename, "exec", dont_inherit=True, optimize=optimize)
    return header(source) + marshal.dumps(code, WITHOUT_REFERENCES)


def header(source: bytes) -> bytes:
    """Return the first bytes of the byte code of a source, which no other source has."""
    return importlib.util.MAGIC_NUMBER + UNCHECKED_HASH + importlib.util.source_hash(source)


def compile_file(path: Path, name: str, target: Path) -> None:
    """Write the byte code of a module, which names it `name`. Raises `SyntaxError` and `ValueError`."""
    content = compiled(path.read_bytes(), name)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)


def compiled_modules(sources: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the byte code of the host half's modules, by the names that Python looks for in a zip file."""
    return {f"{name}c": compiled(source, name, optimize=0) for name, source in sources.items()}


def path_of(source: str) -> str:
    """The path of the byte code of a source, such as `a/__pycache__/b.cpython-311.pyc`.

    A release uses the names of level 0. With -OO, Python would also look for level 2 of its own library,
    which Debian does not ship, and compile 200 modules at each start.
    """
    path = PurePath(source)  # and not `cache_from_source`, which PYTHONPYCACHEPREFIX leads elsewhere
    return str(path.parent / "__pycache__" / f"{path.stem}.{sys.implementation.cache_tag}.pyc")
