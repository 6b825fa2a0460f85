"""Finding what was said: signs, pictures and scripts without spaces; each thing once, as it stands."""

from __future__ import annotations

import asyncio
import itertools
import time
import unicodedata
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.domain import commands as c
from services.event_log.sqlite.backend import SqliteBackend
from services.projections import search
from services.projections.database import Projections
from services.projections.search import Hit
from services.projections.words import spelled
from services.service import Service
from tests.services.projections.test_things import appended

TEXTS = (
    "C++ and Rust",
    "C with classes",
    "C# or F#",
    "an issue#12 of notepad++",
    "party \N{PARTY POPPER} tonight",
    "thumbs \N{THUMBS UP SIGN}\N{EMOJI MODIFIER FITZPATRICK TYPE-4} up",
    "love \N{HEAVY BLACK HEART}\N{VARIATION SELECTOR-16}tea",
    "flag \U0001f1e6\U0001f1f9 of Austria",
    "family \U0001f468\u200d\U0001f469\u200d\U0001f467",
    "5 € for tea",
    "東京都に行く",
    "京都の天気",
    "한국어를 배운다",
    "เปิดไฟในบ้าน",
    "हिन्दी सीखना",
    "\uff23\uff2b\uff29\uff34 fullwidth \uff76\uff9e",
    "iPhoneを買う",
    "Größe und Straße",
    unicodedata.normalize("NFD", "Übergröße"),
    "new \U0001fae8 in Unicode 15",
    "\u0645\u064f\u062d\u064e\u0645\u0651\u064e\u062f with vowels",
    "\u05e9\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd with vowels",
)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Projections]:
    """Read models in which text N is said at position N + 1."""
    place = tmp_path_factory.mktemp("search")
    log, _ = appended(place / "e", [c.RecordMessage(text, source="x") for text in TEXTS])
    models = Projections.open(place / "h.db")
    models.catch_up(log)
    yield models
    models.close()
    log.close()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("C++", ["C++ and"]),
        ("c++ rust", ["C++ and"]),
        ("rust c++", ["C++ and"]),
        ("C#", ["C# or"]),
        ("F# c#", ["C# or"]),
        ("c classes", ["C with"]),
        ("C rust", ["C++ and"]),
        ("issue 12", ["an issue"]),
        ("notepad", ["an issue"]),
        ("\N{PARTY POPPER}", ["party"]),
        ("\N{PARTY POPPER} party", ["party"]),
        ("\N{THUMBS UP SIGN}", ["thumbs"]),
        ("\N{HEAVY BLACK HEART}", ["love"]),
        ("tea love", ["love"]),
        ("\N{HEAVY BLACK HEART}\N{VARIATION SELECTOR-16} tea", ["love"]),
        ("\U0001f1e6\U0001f1f9", ["flag"]),
        ("\U0001f467", ["family"]),
        ("\U0001fae8", ["new"]),
        ("\N{SNOWMAN}", []),
        ("€", ["5 €"]),
        ("東京", ["東京都"]),
        ("京都", ["京都の", "東京都"]),
        ("都", ["京都の", "東京都"]),
        ("行く", ["東京都"]),
        ("く", ["東京都"]),
        ("天気 京都", ["京都の"]),
        ("都 行", ["東京都"]),
        ("東都", []),
        ("한국", ["한국어"]),
        ("한국어 배운다", ["한국어"]),
        ("ไฟ", ["เปิด"]),
        ("บ้าน", ["เปิด"]),
        ("हिन्दी", ["हिन्दी"]),
        ("हिन", ["हिन्दी"]),
        ("सीखना हिन्दी", ["हिन्दी"]),
        ("kit", []),
        ("ckit", ["\uff23"]),
        ("\u30ac", ["\uff23"]),
        ("iphone", ["iPhone"]),
        ("買う iphone", ["iPhone"]),
        ("GRÖSSE", ["Größe"]),
        ("größe", ["Größe"]),
        ("strasse", ["Größe"]),
        ("übergröße", [unicodedata.normalize("NFD", "Ü")]),
        ("\u0645\u062d\u0645\u062f", ["\u0645\u064f"]),
        ("\u0645\u064f\u062d\u0645\u062f", ["\u0645\u064f"]),
        ("\u05e9\u05dc\u05d5\u05dd", ["\u05e9\u05c1"]),
        ("+", []),
        ("#", []),
        ("!?.,", []),
    ],
)
def test_what_is_no_word_of_letters(models: Projections, words: str, expected: list[str]) -> None:
    """A sign behind a word belongs to it, a picture is a word, two characters without spaces are one."""
    found = [hit.text for hit in models.ask(lambda connection: search.search(connection, words))]
    assert [text[: len(begin)] for text, begin in zip(found, expected, strict=True)] == expected, found


def test_a_long_word_is_spelled_in_no_time() -> None:
    """Of as many bytes as a body may have."""
    begun = time.process_time()
    for text in (
        "a" * 64_000 + "!+",
        "a+" * 32_000,
        "東" * 21_000,
        "#" * 64_000,
        "\N{PARTY POPPER}" * 16_000,
    ):
        spelled(text)
    assert time.process_time() - begun < 0.5


MOMENT = datetime(2026, 2, 10, 13, 30, tzinfo=UTC)


async def told(service: Service) -> None:
    """Tell it some messages about milk."""
    for text in (
        "milk is white",
        "todo: buy milk due friday #shop",
        "todo: milk",
        "track: milk: 1 l of oat",
        "decide: milk because it is oat",
    ):
        await service.tell(text, "test")
    await service.record(c.CompleteTodo(3, source="test"))
    await service.record(c.AcceptDecision(9, "oat is good", source="test"))


@pytest.fixture
def finds(tmp_path: Path) -> Iterator[Callable[..., list[Hit]]]:
    """The hits in a service that was told so, each event at a time of its own."""
    moments = (MOMENT + timedelta(seconds=number) for number in itertools.count())
    with asyncio.Runner() as runner:
        service = Service(SqliteBackend(tmp_path / "e"), tmp_path / "p" / "h.db", lambda: next(moments))
        runner.run(service.open())
        runner.run(told(service))

        def found(words: str, before: int = 1 << 60, limit: int = 100) -> list[Hit]:
            return list(runner.run(service.look(lambda models: search.search(models, words, before, limit))))

        yield found
        runner.run(service.close())


def test_what_was_taken_as_something_is_found_once(finds: Callable[..., list[Hit]]) -> None:
    """With the number and the state that it has now, also by words that only the message has."""
    shown = [(hit.type, hit.number, hit.state, hit.text) for hit in finds("milk")]
    assert shown == [
        ("DecisionProposed", 9, "accepted", "milk\nit is oat"),
        ("TrackEntryAdded", 7, "running", "milk\n1 l of oat"),
        ("TodoAdded", 5, "open", "milk"),
        ("TodoAdded", 3, "done", "buy milk"),
        ("MessageRecorded", None, None, "milk is white"),
    ]
    for words in ("friday", "#shop", "todo buy"):
        assert [(hit.type, hit.number) for hit in finds(words)] == [("TodoAdded", 3)]
    assert [(hit.type, hit.number) for hit in finds("oat good")] == [("DecisionAccepted", 9)]


def test_pages_hold_each_once(finds: Callable[..., list[Hit]]) -> None:
    """However small they are, the next one begins behind what was shown, and every page ends."""
    everything = finds("milk")
    for size in range(1, 7):
        hits: list[Hit] = []
        before = 1 << 60
        while page := finds("milk", before, size):
            assert len(page) == min(size, len(everything) - len(hits))
            hits, before = [*hits, *page], page[-1].position
        assert hits == everything
    assert finds("shop", 3) == []
