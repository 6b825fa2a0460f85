"""The lines of a slow boot: one for each interval, with something that a person can read."""

import pytest

from node1.waiting import INTERVAL, Waiting, last_line


def test_slow_boot_shows_a_line_for_each_interval() -> None:
    """A fast one shows none."""
    lines: list[str] = []
    waiting = Waiting(lines.append)
    for seconds in (0.1, INTERVAL - 0.1, INTERVAL + 0.5, INTERVAL + 1, 2 * INTERVAL + 1):
        waiting.show(seconds, lambda: "[  OK  ] Reached target basic.target")
    assert lines == [
        "still booting after 10 s: [  OK  ] Reached target basic.target",
        "still booting after 21 s: [  OK  ] Reached target basic.target",
    ]


@pytest.mark.parametrize(
    ("console", "expected"),
    [
        ("", "(nothing on the console yet)"),
        (
            "first\n\x1b[0;32m  OK  \x1b[0m Started \x1b[1mssh.service\x1b[0m\n\x1b[K\r\n",
            "OK   Started ssh.service",
        ),
        ("x" * 200, "x" * 50),
    ],
)
def test_last_line_of_a_console_is_shown_without_its_colours(console: str, expected: str) -> None:
    """And fits a terminal."""
    assert last_line(console) == expected
