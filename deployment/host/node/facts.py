"""The properties of a node that the dependencies of a release depend on."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from ..values.errors import Refused


def facts() -> dict[str, Any]:
    """The facts that the operator's half needs before it can build for this node."""
    if not Path("/run/systemd/system").is_dir():
        raise Refused("systemd does not run this node.", "choose a node whose process 1 is systemd")
    if "noexec" in os.environ.get("LD_PRELOAD", ""):  # by it sudo keeps a program from starting others
        rule = f"{os.environ.get('SUDO_USER')} ALL=(root) NOPASSWD: EXEC: /usr/bin/python3"
        raise Refused(
            "sudo lets root start no program on the node: `Defaults noexec`, or NOEXEC in its rule.",
            f"as root on the node, visudo: {rule}",
        )
    return {
        "python": list(sys.version_info[:2]),
        "pinned": Path(f"/usr/bin/python{sys.version_info[0]}.{sys.version_info[1]}").exists(),
        "machine": os.uname().machine,
        "libc": _libc(),
    }


def _libc() -> list[str]:
    """The C library's family and version; both empty where it does not say."""
    try:
        version = os.confstr("CS_GNU_LIBC_VERSION") or ""  # "glibc 2.36"
    except (ValueError, OSError):
        version = ""
    return [*version.split(), "", ""][:2]
