"""The host half as one zipapp, and the words with which ssh starts it."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

HOST = Path(__file__).parent / "host"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the first date that a zip file can hold

# Reads the zipapp's bytes from standard input, and not one more: what follows them is the conversation.
# Parses on Python 3.6, and says so in the conversation's own form when the node's Python is too old.
BOOTSTRAP = """\
import os, sys
if sys.version_info < (3, 11):
    import json
    text = "the Python of the node is %d.%d, and 3.11 or later is needed." % sys.version_info[:2]
    answer = {"type": "result", "outcome": "refused", "message": text, "hint": "choose a newer node"}
    os.write(1, json.dumps(answer).encode() + b"\\n")
    sys.exit(0)
size = int(sys.argv[1])
program = os.memfd_create("helionyx")
while size:
    data = os.read(0, min(size, 65536))
    if not data:
        sys.exit("the connection ended before the program had arrived")
    size -= os.write(program, data)
path = "/proc/self/fd/%d" % program
sys.argv = [path, "converse", path]
import runpy
runpy.run_path(path, run_name="__main__")
"""

# Root runs it as it is, anybody else through sudo, which must not ask for a password.
REMOTE = """\
if [ "$(id -u)" = 0 ]; then exec /usr/bin/python3 -SIc "$@"; fi
exec sudo -n /usr/bin/python3 -SIc "$@"
"""


def build() -> bytes:
    """The zipapp's bytes: the same for the same sources."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(HOST.glob("*.py")):
            name = path.name if path.name == "__main__.py" else f"host/{path.name}"
            archive.writestr(_member(name), path.read_bytes())
    return out.getvalue()


def command(size: int) -> list[str]:
    """What a shell on the node is to run; it then reads `size` bytes of program."""
    return ["sh", "-c", REMOTE, "sh", BOOTSTRAP, str(size)]


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, EPOCH)
    member.compress_type = zipfile.ZIP_DEFLATED
    member.external_attr = 0o644 << 16
    return member
