"""What is worth being found again."""

from __future__ import annotations

import msgspec

from services.api.bodies import TAGS, WORDS, described
from services.api.things import SOURCE, Kind, tags_of
from services.domain import commands as c
from services.domain.things import NOTE


class NewNote(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a POST."""

    text: str
    tags: tuple[str, ...] = ()


KIND = Kind(
    NOTE,
    NewNote,
    lambda new: c.TakeNote(new.text, tags_of(new.tags), source=SOURCE),
    described({"tags": TAGS}, text=WORDS),
    '{"text": "the key is under the stone", "tags": ["garden"]}',
)
