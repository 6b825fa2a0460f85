"""The types of members of messages: each text matches a pattern, each number has bounds."""

from __future__ import annotations

from typing import Annotated

from .layout import ENVIRONMENTS
from .shapes import matching, number, one_of, text, whole

LAST = 253_402_300_799  # the last second of the year 9999, as seconds since the epoch

Moment = Annotated[float, number(0, LAST)]
EnvironmentName = Annotated[str, one_of(*ENVIRONMENTS)]
Commit = Annotated[str, matching(r"[0-9a-f]{40}|[0-9a-f]{64}", "the 40 digits of a commit")]
Name = Annotated[  # of a release, of a log
    str, matching(r"[0-9A-Za-z][0-9A-Za-z._-]{0,99}", "1a2b3c4d5e6f-9f8e7d6c5b4a")
]
Hash = Annotated[str, matching(r"[0-9a-f]{64}", "the 64 digits of a SHA-256")]
Head = Annotated[
    str, matching(r"[0-9a-f]{64}|", "the 64 digits of a SHA-256")
]  # empty where nothing was said
NodePath = Annotated[str, matching(r"/[0-9A-Za-z._/@+-]{0,1000}", "/var/lib/helionyx/dev")]
TransactionId = Annotated[
    str,
    matching(
        rf"[0-9]{{8}}T[0-9]{{6}}Z-({'|'.join(ENVIRONMENTS)})-[0-9a-f]{{4}}", "20260102T030405Z-dev-1a2b"
    ),
]
Unit = Annotated[str, matching(r"[0-9A-Za-z@:._-]{1,200}", "helionyx-dev.service")]
Verb = Annotated[str, matching(r"[a-z][a-z-]{0,39}", "install-release")]
Digit = Annotated[int, whole(0, 99)]
Short = Annotated[str, text(100)]
