"""The commands of a document are those that somebody would type."""

from __future__ import annotations

from tests.guide import Command, blocks, commands

DOCUMENT = """\
# Guide

Text with `a command` in it:

    make one ENV=dev     # a comment
    make two REASON='# no comment'

## Next

- An item,
  that goes on.

      cd /somewhere &&
      ls \\
        --all

    $ make verify ENV=live
    audit: 18 lines
    exit 0: done
    Text that continues no paragraph.

Text
    that is indented in a paragraph.
"""


def test_commands_are_read_in_their_order() -> None:
    """Without comments, with their continuations, and with the output that is shown."""
    found = [item for block in blocks(DOCUMENT) for item in commands(*block)]
    assert found == [
        Command("make one ENV=dev", "Guide", 5),
        Command("make two REASON='# no comment'", "Guide", 6),
        Command("cd /somewhere && ls --all", "Next", 13),
        Command(
            "make verify ENV=live",
            "Next",
            17,
            ("audit: 18 lines", "exit 0: done", "Text that continues no paragraph."),
        ),
    ]
