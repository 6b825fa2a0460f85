"""Notes."""

from __future__ import annotations

import msgspec

from services.api.bodies import TAGS, WORDS, described
from services.api.kinds import SOURCE, Kind, tags_of
from services.domain import commands as c
from services.domain.items import NOTE


class NewNote(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a POST."""

    text: str
    tags: tuple[str, ...] = ()


EXAMPLE = '{"text": "the key is under the stone", "tags": ["garden"]}'

KIND = Kind(
    NOTE,
    NewNote,
    lambda new: c.TakeNote(new.text, tags_of(new.tags), source=SOURCE),
    described(
        NewNote, "A note to take.", EXAMPLE, {"tags": TAGS}, text={**WORDS, "description": "The note."}
    ),
    EXAMPLE,
)
