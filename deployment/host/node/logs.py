"""The journal of one environment: the service's own lines, and systemd's about it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Collection
from dataclasses import replace
from typing import IO

from ..values.question import Question
from ..values.words import JOURNAL
from .run import ENVIRONMENT, OUTPUT

PIECE, LONGEST = 1 << 16, 16 << 20  # bytes of a line, and of all lines that are shown of a search


def show(question: Question) -> None:
    """Show the journal until its end, or until the reader goes away; exit with 1 where journalctl refuses.

    A search that finds nothing is no failure. Of a search or a time, journalctl 252 shows the first LINES;
    a person wants the last ones.
    """
    is_search = question.since or question.grep
    last = question.lines if is_search and not question.follow else None
    argv = arguments(replace(question, lines=None) if last is not None else question)
    with tempfile.TemporaryFile() as errors:
        out = subprocess.PIPE if last is not None else None
        with subprocess.Popen(argv, stdout=out, stderr=errors, env=ENVIRONMENT) as journal:
            if journal.stdout is not None and last is not None:
                for line in last_lines(journal.stdout, last):
                    os.write(1, line)
        errors.seek(0)
        words = errors.read(OUTPUT).decode(errors="replace").splitlines()
    if journal.returncode > 0 and words:
        sys.stderr.writelines(f"{JOURNAL}{line}\n" for line in words)
        sys.exit(1)


def last_lines(journal: IO[bytes], count: int) -> Collection[bytes]:
    """The last lines of a journal that is read to its end, and of very long ones the last `LONGEST` bytes.

    A line may be as long as its writer likes: it comes in pieces, which count as lines.
    """
    lines: deque[bytes] = deque()
    size = 0
    while line := journal.readline(PIECE):
        lines.append(line)
        size += len(line)
        while len(lines) > count or size > LONGEST:
            size -= len(lines.popleft())
    return lines


def arguments(question: Question) -> list[str]:
    """The command line: values stand behind `=`, so that none can be taken for an option.

    The `+` reads the default journal too: there systemd writes "Main process exited" and the like.
    """
    environment = question.environment
    argv = [
        *("/usr/bin/journalctl", f"--namespace=+{environment.namespace}", "--no-pager", "--quiet"),
        *(f"--unit={environment.service}", f"--unit={environment.socket}"),
        *(f"--unit={path.name}" for path in environment.transient_units if path.suffix == ".service"),
        *("--output=json" if question.json else "--output=short-iso",),
    ]
    if question.lines is not None and not question.since:
        argv.append(f"--lines={question.lines}")
    elif question.follow:
        argv.append("--lines=all")
    if question.since:
        argv.append(f"--since={question.since}")
    if question.grep:
        argv.append(f"--grep={question.grep}")
    if question.follow:
        argv.append("--follow")
    return argv
