"""Text of others moves no terminal, whichever way it is shown."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.console import Console

from deployment import arguments
from deployment.errors import DeployError
from deployment.host.values.check import bad
from deployment.host.values.printable import printable
from deployment.host.values.shapes import shape_of
from deployment.remote.answers import Line, State
from deployment.ui import report, tables
from deployment.ui.display import Plain
from deployment.ui.results import result_of
from deployment.ui.terminal import Terminal
from deployment.verbs import history, status
from deployment.verbs.consent import ask, question_of
from tests.deployment import hostile_node as node

HOSTILE = "fix\x1b[2J\x1b]0;t\x07\u202e\x9b31m\r\nexit 0: done\udcff :bug: [red]"
SAFE = "fix\\u001b[2J\\u001b]0;t\\u0007\\u202e\\u009b31m\\u000d\\u000aexit 0: done\\xff :bug: [red]"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Größe, 日本語, e\u0301, \U0001f469\u200d\U0001f4bb", None),
        ("a\tb", None),
        (HOSTILE, SAFE),
        ("10\u00a0000\u3000", "10 000 "),
        ("\u2028\u2066\u200b\ufeff\U000e0041", "\\u2028\\u2066\\u200b\\ufeff\\U000e0041"),
        (b"caf\xe9".decode(errors="surrogateescape"), "caf\\xe9"),
    ],
)
def test_escapes_stand_for_whatever_is_not_visible(text: str, shown: str | None) -> None:
    """Letters of every script, emoji and tabs stay as they are."""
    assert printable(text) == (text if shown is None else shown)


def _plain() -> None:
    shown = Plain()
    shown.heading(HOSTILE)
    shown.done(HOSTILE, 1.0, HOSTILE)
    shown.warn(HOSTILE, (HOSTILE,))
    shown.end(replace(result_of(DeployError(HOSTILE, HOSTILE, details=(HOSTILE,))), summary=HOSTILE))


def _report() -> None:
    shown = report.Report(as_json=False)
    shown.section(HOSTILE, [bad(HOSTILE, HOSTILE.replace("\n", " "), HOSTILE)])


def _history() -> None:
    line = {"transaction": "t", "event": "start", "at": 0.0, "environment": "dev", "verb": "deploy"}
    (item,) = history.pair([shape_of(Line)({**line, "actor": {"name": HOSTILE}, "before": HOSTILE * 2})])
    print(tables.table(history.HEADS, [history.row(item)]))


def _status() -> None:
    bot = {"state": HOSTILE, "bot": HOSTILE, "reason": HOSTILE, "last_poll": None}
    texts = dict.fromkeys(("release", "subject", "listen", "unit", "user", "data", "journal"), HOSTILE)
    log = {"name": HOSTILE, "written_at": 1.0, "bytes": 1, "path": HOSTILE}
    lists = {"unfinished": [HOSTILE], "kept": [node.STATE["kept"][0] | {"id": HOSTILE}], "kept_logs": [log]}
    hostile = node.STATE | texts | lists | {"bot": bot, "changing": {"actor": HOSTILE}}
    status._detail(HOSTILE, shape_of(State)(hostile))
    status._detail(HOSTILE, shape_of(State)(hostile | {"state": "absent"}))


def _question() -> None:
    request = arguments.read(["remove", "live"], {"NODE": HOSTILE})
    with pytest.raises(DeployError):
        ask(request, question_of(request))


@pytest.mark.parametrize("show", [_plain, _report, _history, _status, _question])
def test_what_is_shown(
    show: Callable[[], None], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each line of every verb holds visible characters alone, and no line begins within such a text."""
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("sys.stdin.readline", lambda: "\n")
    show()
    shown = "".join(capfd.readouterr())
    assert "exit 0: done\\xff" in shown
    assert all(line.isprintable() for line in shown.split("\n")), shown
    assert "\nexit 0" not in shown


def test_what_is_shown_on_a_terminal() -> None:
    """As it stands: it is no markup, and no name of an emoji."""
    shown, text = Terminal(), io.StringIO()
    shown._console = Console(file=text, width=300, highlight=False, soft_wrap=True, emoji=False)
    shown.heading(HOSTILE)
    shown.begin(HOSTILE)
    shown.done(HOSTILE, 1.0, HOSTILE)
    shown.warn(HOSTILE, (HOSTILE,))
    shown.end(result_of(DeployError(HOSTILE, HOSTILE, details=(HOSTILE,))))
    assert text.getvalue().count(SAFE) == 8
    assert all(line.isprintable() for line in text.getvalue().split("\n"))
