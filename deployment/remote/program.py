"""The host half as one zipapp, and the words with which ssh starts it."""

from __future__ import annotations

import base64
import zlib
from pathlib import Path

from ..host.releases import bytecode, zipapp
from ..host.values.layout import Layout

HOST = Path(__file__).parents[1] / "host"
MAIN = "__main__.py"
PLACE = str(Layout().host_halves)

# Runs the half that is kept on the node, if it is root's and whole. Else it asks for the zipapp, and reads
# its size in a line, its bytes, and not one more: what follows them is the conversation.
# Parses on Python 3.6, and says so in the conversation's own form when the node's Python is too old.
BOOTSTRAP = """\
import os, sys
if sys.version_info < (3, 11):
    import json
    text = "the Python of the node is %d.%d, and 3.11 or later is needed." % sys.version_info[:2]
    answer = {"type": "result", "outcome": "refused", "message": text, "hint": "choose a newer node"}
    os.write(1, json.dumps(answer).encode() + b"\\n")
    sys.exit(0)
place, digest = sys.argv[-2:]
path = "%s/%s.%s.pyz" % (place, digest, sys.implementation.cache_tag)

def read(size):
    data = os.read(0, min(size, 65536))
    if not data:
        sys.exit("the connection ended before the program had arrived")
    return data

def is_of_root(path):
    found = os.stat(path)
    return found.st_uid == 0 and not found.st_mode & 0o022

def is_whole(path):
    import hashlib
    with open(path, "rb") as file:
        content = file.read()
    return hashlib.sha256(content[:-64]).hexdigest().encode() == content[-64:]

above = [place[:end] for end in range(1, len(place) + 1) if place[end:end + 1] in ("/", "")]
try:
    kept = all(map(is_of_root, above + [path])) and is_whole(path)
except OSError:
    kept = False
if not kept:
    from importlib.util import MAGIC_NUMBER
    os.write(1, b"{\\"type\\": \\"program\\", \\"byte_code\\": \\"%s\\"}\\n" % MAGIC_NUMBER.hex().encode())
    line = b""
    while not line.endswith(b"\\n"):
        line += read(1)
    size, program = int(line), os.memfd_create("helionyx")
    while size:
        size -= os.write(program, read(size))
    path = "/proc/self/fd/%d" % program
sys.path.insert(0, path)
from host.entry import enter
sys.exit(enter(["converse", path]))
"""

# Root runs it as it is, anybody else through sudo, which must not ask for a password. For the login shell of
# the node it is a word in single quotes, which csh ends at the end of a line. It has no backslash, which fish
# reads there, and no exclamation mark, which csh does.
REMOTE = (
    'if [ $(id -u) = 0 ]; then exec /usr/bin/python3 -SIc "$@"; fi; '
    'LC_ALL=C; export LC_ALL; exec sudo -n /usr/bin/python3 -SIc "$@"'
)
# Puts the bootstrap together and runs it.
LOADER = "import sys,zlib,binascii as b;exec(zlib.decompress(b.a2b_base64(str().join(sys.argv[1:-2]))))"
WORD = 900  # characters; BSD's csh takes no word of 1024


def modules() -> dict[str, bytes]:
    """Return the sources of the host half by their names in the zipapp."""
    paths = {str(path.relative_to(HOST)): path for path in sorted(HOST.rglob("*.py"))}
    return {name if name == MAIN else f"host/{name}": path.read_bytes() for name, path in paths.items()}


def build(sources: dict[str, bytes], byte_code: str = "") -> bytes:
    """Return the zipapp of these modules: the same bytes for the same sources.

    It brings their byte code if the node understands that of this Python: `byte_code` is its version there.
    """
    import zipfile  # most nodes have the program

    compiled = bytecode.compiled_modules(sources) if byte_code == bytecode.VERSION else {}
    return zipapp.pack({**sources, **compiled}, zipfile.ZIP_DEFLATED)


def command(digest: str) -> list[str]:
    """Return what a shell on the node is to run, for the half of that digest.

    Every shell reads these words alike.
    """
    packed = base64.b64encode(zlib.compress(BOOTSTRAP.encode(), 9)).decode()
    words = [packed[start : start + WORD] for start in range(0, len(packed), WORD)]
    return ["sh", "-c", REMOTE, "sh", LOADER, *words, PLACE, digest]
