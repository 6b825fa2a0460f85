"""Text of others (git, people, services, processes) at each of its entries: nothing of it arrives raw."""

from __future__ import annotations

import ctypes
import json
import multiprocessing
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from deployment import arguments
from deployment.build import source
from deployment.errors import DeployError
from deployment.host.apply import bot
from deployment.host.node import processes, sockets, systemd
from deployment.host.node.run import run
from deployment.host.node.wire import Wire
from deployment.host.records import audit, locks, record
from deployment.host.values.check import bad
from deployment.host.values.errors import StepFailed
from deployment.host.values.layout import Environment, Layout
from deployment.host.values.manifest import BOT, Manifest
from deployment.host.values.observed import Observed
from deployment.host.values.printable import LONGEST, printable, safe
from deployment.remote import lost
from deployment.remote.messages import Result, parse
from deployment.ui import report
from deployment.ui.display import Json, Plain
from deployment.ui.results import result_of
from deployment.ui.tables import table
from deployment.verbs import actor
from tests.deployment.conftest import git

# Each moves a terminal, forges a line, hides text, is no text at all, or fills a screen.
CORPUS = {
    "colour": "\x1b[31;7mred",
    "clear": "\x1b[2J\x1b[1;1H\x1bc",
    "title": "\x1b]0;title\x07",
    "link": "\x1b]8;;http://192.0.2.1/\x1b\\here\x1b]8;;\x1b\\",
    "clipboard": "\x1b]52;c;cm0gLXJmIC8=\x07",
    "answer": "\x1b[c\x1b[6n\x1bP$q\x1b\\",
    "C1": "\x9b2J\x9d0;t\x9c\x90\x85line",
    "line": "x\nexit 0: done\nhint: run me",
    "return": "x\r\nexit 0: done\rerror",
    "other lines": "x\u2028exit 0: done\u2029\x0b\x0c\x1c\x1d\x1e",
    "backspace": "secret\b\b\b\b\b\b\x7f",
    "bidi": "\u202eenod :0 tixe\u202c\u2066x\u2069\u200f",
    "invisible": "a\u200bb\ufeffc\u00add\U000e0041",
    "NUL": "a\x00b",
    "bytes": b"caf\xe9\xff\xfe".decode(errors="surrogateescape"),
    "surrogate": "\ud800\udfff",
    "markup": "[red]x[/red] :bug: %s {0} $(id) `id`",
    "long": "x" * 1_000_000,
    "long escapes": "\x1b[2J" * 5_000,
}

FORGED = ("exit 0: done", "hint: run me")


def assert_safe(content: str | bytes) -> None:
    """Fail where anything in a record, an audit, a message or on a terminal is no visible character."""
    text = content.decode() if isinstance(content, bytes) else content
    assert len(text) < 20 * LONGEST
    for line in text.split("\n"):
        assert line.replace("\t", " ").isprintable(), line[:200]
        assert not line.startswith(FORGED), line[:200]


def values_of(value: Any) -> Iterator[str]:
    """Each text in a JSON value, names of members too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from (name, *values_of(item))
    elif isinstance(value, list):
        for item in value:
            yield from values_of(item)


@dataclass(frozen=True)
class Sinks:
    """All places that a text reaches on its way."""

    layout: Layout
    capture: pytest.CaptureFixture[str]

    def take(self, text: str) -> None:
        """Write a text to the record, the audit, a lock and the wire, and show it in every form of output."""
        for content in (self._record(text), self._audit(text), self._lock(text), self._wire(text)):
            for line in content.splitlines():
                for item in values_of(json.loads(line)):
                    assert item.replace("\t", " ").isprintable()
                    assert len(item) <= LONGEST
            assert_safe(content)
        if not text.startswith(FORGED):  # as one of several lines, which are shown behind a mark
            self._show(text)

    def _record(self, text: str) -> bytes:
        transaction = record.Transaction("t", self.layout)
        transaction.path.mkdir(parents=True, exist_ok=True)
        transaction.write("failed", **StepFailed(text, text, (text, text)).to_json())
        content = transaction.log.read_bytes()
        transaction.log.unlink()
        return content

    def _audit(self, text: str) -> bytes:
        audit.append(self.layout, event="end", actor={"name": text, text: text}, reason=text)
        lines = audit.read(self.layout)
        assert audit.first_bad(lines) is None
        content = self.layout.audit.read_bytes()
        self.layout.audit.unlink()
        return content

    def _lock(self, text: str) -> bytes:
        with locks.environment_lock(self.layout, "dev", locks.Holder("deploy", text)):
            held = locks.holder(self.layout, "dev")
            assert held is not None
            return json.dumps(held.to_json()).encode()

    def _wire(self, text: str) -> bytes:
        with (self.layout.root / "wire").open("w+b", buffering=0) as file:
            Wire(0, file.fileno()).say("result", outcome="refused", message=text, hint=text, details=[text])
            content = (self.layout.root / "wire").read_bytes()
        answer = parse("node1", content[:-1], (Result,))  # whatever the text: the operator's half takes it
        assert answer.hint
        return content

    def _show(self, text: str) -> None:
        self.capture.readouterr()
        error = DeployError(text, text, details=(text,))
        shown = Plain()
        shown.heading(text)
        shown.done(text, 1.0, text)
        shown.warn(text, (text,))
        shown.end(result_of(error))
        shown.end(replace(result_of(error), answered_by="node1", summary=text))
        report.Report(as_json=False).section(text, [bad(text, text, text)], answered_by="node1")
        print(table(("a", "b"), [(text, text)]))
        out, err = self.capture.readouterr()
        for line in (out + err).split("\n"):
            assert line.replace("\t", " ").isprintable(), line[:200]
            assert not line.startswith(FORGED), line[:200]
        as_json = Json()
        as_json.warn(text, (text,))
        as_json.end(result_of(error))
        content = self.capture.readouterr().out
        assert content.isascii()
        assert json.loads(content)["exit_code"] == error.code


@pytest.fixture
def sinks(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Sinks:
    """A node's directories, and the output of this process."""
    return Sinks(Layout(tmp_path), capfd)


@pytest.mark.parametrize("name", CORPUS)
def test_no_sink_takes_a_raw_text(name: str, sinks: Sinks) -> None:
    """Record, audit, lock, wire, plain output, report and table: printable and bounded; JSON stays JSON."""
    sinks.take(CORPUS[name])


def _of_git_user(text: str, checkout: Path) -> Iterator[str]:
    git(checkout, "config", "user.name", text)
    yield from actor.actor(checkout).values()


def _of_commit(text: str, checkout: Path) -> Iterator[str]:
    message = checkout.parent / "message"
    message.write_bytes(text.encode(errors="surrogateescape"))
    git(checkout, "-c", "i18n.commitEncoding=UTF-8", "commit", "-q", "--allow-empty", f"--file={message}")
    yield source.head(checkout)[1]


@pytest.mark.parametrize("entry", [_of_git_user, _of_commit])
def test_entry_of_git(entry: Callable[[str, Path], Iterator[str]], checkout: Path) -> None:
    """The author and the subject, which stay in the audit and in each release."""
    for name, text in CORPUS.items():
        if "\0" in text or name in ("surrogate", "long escapes"):  # git takes none of these
            continue
        for found in entry(text[:100_000], checkout):
            assert_safe(found)
            assert 0 < len(found) <= source.LONGEST_SUBJECT


def _named(name: bytes, ready: Any, ended: Any) -> None:
    """A process that bears a name, and listens."""
    ctypes.CDLL(None).prctl(15, name, 0, 0, 0)  # PR_SET_NAME
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ready.send(listening.getsockname()[1])
        ended.wait(30)


@pytest.mark.parametrize("name", [b"x\nexit 0: done", b"\x1b[2J\x9b\x07", b"\xff\xfe\xe9", b"nginx"])
def test_entry_of_process_names(name: bytes, sinks: Sinks) -> None:
    """Who holds a port, and the stray processes of a user."""
    here, there = multiprocessing.Pipe()
    ended = multiprocessing.Event()
    process = multiprocessing.Process(target=_named, args=(name, there, ended))
    process.start()
    try:
        port = here.recv()
        held = next(item for item in sockets.listeners() if item.port == port)
        shown = [sockets.holder(held.inode)]
        shown.append(processes.named(Path(f"/proc/{process.pid}")))
    finally:
        ended.set()
        process.join()
    assert len(shown) == 2
    for item in shown:
        assert f"(pid {process.pid})" in item
        sinks.take(item)


@pytest.mark.parametrize("name", CORPUS)
def test_entry_of_a_service(name: str, sinks: Sinks, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its answer, the state of its bot, and its last words in the journal."""
    text = CORPUS[name]
    manifest = Manifest("dev", "c" * 40, False, "", "3.11", "p", "l", {}, {}, {}, {BOT: "d"})
    seen = Observed(service="active", answers={"telegram": {"state": text, "reason": text, "bot": text}})
    report_of_bot = bot.running(seen, manifest)
    sinks.take(bot.trouble(report_of_bot))
    line = json.dumps({"level": "error", "message": text, "hint": text, "x": [text]})
    monkeypatch.setattr(systemd, "run", lambda *_, **__: f"{line}\n{text}")
    for word in systemd.last_words(Environment("dev"), "0", "helionyx-dev.service"):
        assert word.replace("\t", " ").isprintable()
        sinks.take(word)


@pytest.mark.parametrize("name", CORPUS)
def test_entry_of_programs_on_the_way(name: str, sinks: Sinks) -> None:
    """The errors of a program on the node, and those of ssh, of sudo and of a shell there."""
    text = CORPUS[name]
    with pytest.raises(StepFailed) as failed:
        run(["sh", "-c", "cat >&2; exit 1"], input=text.encode(errors="replace"))
    for item in (failed.value.message, *failed.value.details):
        sinks.take(item)
    for code in (1, 127, 255):
        for words in ([text], [f"sudo: {text} command not found"], [f"journalctl: {text}"]):
            error = lost.explain("node1", code, words)
            sinks.take(error.message)


VERBS = {"REASON": "redact", "BACKUP": "restore", "CONFIG": "rollback", "TO": "backup", "SINCE": "logs"}


@pytest.mark.parametrize("variable", [*VERBS, "SOAK", "KEEP", "INSIST", "NODE", "SSH_OPTIONS", "ENV_DIR"])
def test_entry_of_variables(variable: str, capfd: pytest.CaptureFixture[str]) -> None:
    """What a person has typed or pasted: an error shows it, and no more of it than fits."""
    verb = VERBS.get(variable, "deploy")
    for text in (item[:10_000] for item in CORPUS.values()):
        environ = {variable: text, "POSITION": "12"} if verb == "redact" else {variable: text}
        try:
            request = arguments.read([verb, "dev"], environ)
        except DeployError as error:
            Plain().end(result_of(error))
            shown = capfd.readouterr().err
            assert shown.endswith("exit 2: refused, nothing was touched\n")
            assert_safe(shown.removeprefix("error: "))
        else:
            assert variable != "REASON" or request.reason.isprintable()


def test_value_stays_what_it_is() -> None:
    """Only texts change, at any depth; a value without end is cut off."""
    value = {"a": [1, 2.5, True, None, "Größe"], "b": {"c\n": "d\r"}}
    assert safe(value) == {"a": [1, 2.5, True, None, "Größe"], "b": {"c\\u000a": "d\\u000d"}}
    deep: Any = "x"
    for _ in range(900):
        deep = [deep]
    assert len(json.dumps(safe(deep))) < 200
    assert printable("x" * 9, 5) == "xxxx…"
    assert printable("\x1b" * 9, 8) == "\\u001b\\…"
    assert printable("x" * 5, 5) == "x" * 5


@pytest.mark.parametrize("subject", ["Fix the port", "Größe, 日本語 👩\u200d💻"])
def test_subject_of_a_plain_commit_stays(subject: str) -> None:
    """The id of a release depends on it."""
    assert printable(subject, source.LONGEST_SUBJECT) == subject
