"""Show the journal of an environment, with nothing changed."""

from __future__ import annotations

import contextlib
import sys

from ..errors import DONE
from ..remote.connection import Connection
from ..remote.messages import Hello, Stream
from ..settings import Settings
from ..ui.journal import Objects, Unfolding


def logs(settings: Settings) -> int:
    """Show the journal, and go on until interrupted when following; `--json`: a JSON object per line."""
    lines = settings.lines if settings.lines is not None else (50 if settings.since is None else None)
    with Connection(settings) as connection:
        connection.answer(Hello)
        connection.say(
            verb="logs",
            environment=settings.environment,
            lines=lines,
            since=settings.since,
            grep=settings.grep,
            follow=settings.follow,
            json=settings.json,
        )
        connection.answer(Stream)
        if settings.json:
            connection.relay(Objects(settings.node, sys.stdout.buffer))
        else:
            with contextlib.closing(Unfolding(sys.stdout.buffer)) as unfolding:
                connection.relay(unfolding)
            if unfolding.empty and not settings.follow:
                sys.stderr.write("no matching log lines\n")
    return DONE
