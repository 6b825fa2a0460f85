"""A hostile node: a program in place of ssh that plays a given conversation, whatever it is asked."""

from __future__ import annotations

import sys
from pathlib import Path

# Says all at once, whatever it is asked.
PROGRAM = """\
#!{python} -IS
import os, sys
if "id -un" in sys.argv[-1]:
    sys.exit(os.write(1, b"ada\\n") < 0)
try:
    with open({script!r}, "rb") as script:
        while data := script.read(1 << 16):
            view = memoryview(data)
            while view:
                view = view[os.write(1, view):]
except OSError:
    pass
"""


def install(directory: Path) -> Path:
    """Put the program into a directory as `ssh`, and return the path of the conversation that it plays."""
    script = directory / "conversation"
    path = directory / "ssh"
    path.write_text(PROGRAM.format(python=sys.executable, script=str(script)))
    path.chmod(0o755)
    return script
