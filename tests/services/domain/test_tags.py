"""Tags: how they are kept, and when two are one."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.items import track_key
from services.domain.tags import LONGEST_TAG, has_tag, normal_tag, tag_key, united
from tests.services.instance import Instance, running

API = "/api/v1"
DECOMPOSED = unicodedata.normalize("NFD", "größe")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with running(tmp_path_factory.mktemp("tags")) as instance:
        yield instance


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("#Home", "home"),
        ("#größe", "größe"),
        ("#Größe", "größe"),
        (f"#{DECOMPOSED}", "größe"),
        ("#हिन्दी", "हिन्दी"),
        ("#ไทย-ที่", "ไทย-ที่"),
        ("#x\u0331y", "x\u0331y"),
        ("#ک\u200cب", "ک\u200cب"),
        ("#東京", "東京"),
        ("#a-b_1", "a-b_1"),
        ("a" * LONGEST_TAG, "a" * LONGEST_TAG),
        ("a" * (LONGEST_TAG + 1), None),
        ("#", None),
        ("#-a", None),
        ("#\u0301a", None),
        ("#a\u200d", None),
        ("#a b", None),
        ("#a.b", None),
        ("#\N{PARTY POPPER}", None),
    ],
)
def test_as_written(text: str, tag: str | None) -> None:
    """In lower case, composed, with the marks of their letters."""
    assert normal_tag(text) == tag


@given(st.text(max_size=8), st.text(max_size=8))
def test_a_tag_is_its_own(text: str, other: str) -> None:
    """Normalizing a tag twice changes nothing; spellings with one key are one tag."""
    tag, more = normal_tag(text), normal_tag(other)
    if tag is not None:
        assert normal_tag(tag) == tag
        assert has_tag((tag,), text.removeprefix("#"))
    if tag is not None and more is not None:
        assert len(united((tag,), (more,))) == 2 - (tag_key(tag) == tag_key(more))


def test_the_first_spelling_stays() -> None:
    """In the order of the first ones."""
    assert united(("b", "größe"), ("a", "grösse", "b")) == ("b", "größe", "a")


def test_a_track_has_one_name_however_its_letters_are_composed() -> None:
    """Keyboards differ in that."""
    assert track_key(DECOMPOSED) == track_key("GRÖSSE") == track_key(" größe ")


def test_spellings_of_one_tag(service: Instance) -> None:
    """Each is found, removed and counted under the others; the tag is shown as it was written last."""

    def numbers(tag: str) -> list[int]:
        page = service.call("GET", f"{API}/notes?tag={quote(tag)}").json
        return [note["number"] for note in page["notes"]]

    old, new = (
        service.call("POST", f"{API}/messages", {"text": f"note: x #{tag}"}).json["thing"]
        for tag in ("grösse", DECOMPOSED)
    )
    assert (old["tags"], new["tags"]) == (["grösse"], ["größe"])
    both = [new["number"], old["number"]]
    assert numbers("größe") == numbers("GRÖSSE") == numbers(DECOMPOSED) == both
    assert service.call("GET", f"{API}/tags").json["tags"] == {"größe": 2}
    path = f"{API}/things/{old['number']}/tags"
    assert service.call("PUT", f"{path}/{quote('größe')}").json["tags"] == ["grösse"]
    assert service.call("DELETE", f"{path}/{quote('größe')}").json["tags"] == []
    assert numbers("grösse") == both[:1]
