"""The standard streams of this program, whatever the caller has made of them."""

from __future__ import annotations

import os
import sys

STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))


def prepare() -> None:
    """Open those that are closed on the null device, and let a character that they cannot hold be escaped."""
    for number, (name, mode) in enumerate(STREAMS):
        if getattr(sys, name) is None:
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
            setattr(sys, name, os.fdopen(number, mode))
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def forget_output() -> None:
    """Let nothing more be written to standard output: it would fail once more at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
