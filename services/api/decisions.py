"""Decisions."""

from __future__ import annotations

import msgspec

from services.api.bodies import RATIONALE, TAGS, WORDS, described
from services.api.kinds import SOURCE, Change, Kind, tags_of
from services.domain import commands as c
from services.domain.items import DECISION


class NewDecision(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a POST."""

    text: str
    rationale: str | None = None
    tags: tuple[str, ...] = ()


class Reason(msgspec.Struct, forbid_unknown_fields=True):
    """Why it is decided so."""

    rationale: str | None = None


EXAMPLE = '{"text": "take the train", "rationale": "it is quiet"}'
REASON_EXAMPLE = '{"rationale": "it is quiet"}'


def _change(
    verb: str,
    summary: str,
    description: str,
    command: type[c.AcceptDecision | c.RejectDecision | c.RevisitDecision],
) -> Change:
    return Change(
        verb,
        summary,
        description,
        lambda item, new: command(item.position, new.rationale, source=SOURCE),
        Reason,
        described(Reason, "The reason of a decision.", REASON_EXAMPLE, {"rationale": RATIONALE}),
        REASON_EXAMPLE,
    )


KIND = Kind(
    DECISION,
    NewDecision,
    lambda new: c.ProposeDecision(new.text, new.rationale, tags_of(new.tags), source=SOURCE),
    described(
        NewDecision,
        "A decision to propose.",
        EXAMPLE,
        {"rationale": RATIONALE, "tags": TAGS},
        text={**WORDS, "description": "The proposal."},
    ),
    EXAMPLE,
    (
        _change("accept", "Accept a decision", "The decision must be proposed; else 409.", c.AcceptDecision),
        _change("reject", "Reject a decision", "The decision must be proposed; else 409.", c.RejectDecision),
        _change(
            "revisit",
            "Revisit a decision",
            "The decision must be accepted or rejected; else 409. It is proposed again.",
            c.RevisitDecision,
        ),
    ),
)
