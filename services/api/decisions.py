"""What may be decided, and was."""

from __future__ import annotations

import msgspec

from services.api.bodies import RATIONALE, TAGS, WORDS, described
from services.api.things import SOURCE, Change, Kind, tags_of
from services.domain import commands as c
from services.domain.things import DECISION


class NewDecision(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a POST."""

    text: str
    rationale: str | None = None
    tags: tuple[str, ...] = ()


class Reason(msgspec.Struct, forbid_unknown_fields=True):
    """Why it is decided so."""

    rationale: str | None = None


def _change(
    verb: str, summary: str, command: type[c.AcceptDecision | c.RejectDecision | c.RevisitDecision]
) -> Change:
    return Change(
        verb,
        summary,
        lambda thing, new: command(thing.position, new.rationale, source=SOURCE),
        Reason,
        described({"rationale": RATIONALE}),
        '{"rationale": "it is quiet"}',
    )


KIND = Kind(
    DECISION,
    NewDecision,
    lambda new: c.ProposeDecision(new.text, new.rationale, tags_of(new.tags), source=SOURCE),
    described({"rationale": RATIONALE, "tags": TAGS}, text=WORDS),
    '{"text": "take the train", "rationale": "it is quiet"}',
    (
        _change("accept", "It is decided so", c.AcceptDecision),
        _change("reject", "It is decided otherwise", c.RejectDecision),
        _change("revisit", "It is open again", c.RevisitDecision),
    ),
)
