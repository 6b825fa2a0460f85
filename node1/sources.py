"""The sources of the base root's packages: this machine's own Debian sources, if it has them."""

from collections.abc import Iterable, Iterator
from pathlib import Path

SUITE = "bookworm"
SUITES = {SUITE, f"{SUITE}-updates", f"{SUITE}-security"}
COMPONENT = "main"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
LISTS = ("uris", "suites", "components")
DEBIAN_KEYRINGS = str(KEYRING.with_name("debian-archive"))


def of_machine(etc_apt: Path = Path("/etc/apt")) -> list[str]:
    """The machine's sources of this suite, as apt's lines; none if it is not a Debian of this suite.

    Third-party sources are left out: the base lacks their keys and needs none of their packages.
    """
    lines: list[str] = []
    for path in [etc_apt / "sources.list", *sorted((etc_apt / "sources.list.d").glob("*"))]:
        if path.suffix in _READERS and path.is_file():
            lines += _READERS[path.suffix](path.read_text().splitlines())
    # Without the suite itself, the rest (a stray security line on another release) is of no use.
    has_suite = any(f" {SUITE} " in line for line in lines)
    return list(dict.fromkeys(lines)) if has_suite else []


def _one_line_style(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        head, _, rest = line.partition("#")[0].strip().partition(" ")
        if head != "deb":
            continue
        options, signed_by = "", ""
        if rest.lstrip().startswith("["):
            options, _, rest = rest.lstrip()[1:].partition("]")
            signed_by = dict(word.partition("=")[::2] for word in options.split()).get("signed-by", "")
        words = rest.split()
        if len(words) >= 3:
            yield from _lines([words[0]], [words[1]], words[2:], signed_by)


def _deb822_style(lines: Iterable[str]) -> Iterator[str]:
    for stanza in _stanzas(lines):
        disabled = stanza.get("enabled", "yes").lower() in {"no", "false", "0"}
        if not disabled and "deb" in stanza.get("types", "").split():
            uris, suites, components = (stanza.get(field, "").split() for field in LISTS)
            yield from _lines(uris, suites, components, stanza.get("signed-by", ""))


def _stanzas(lines: Iterable[str]) -> Iterator[dict[str, str]]:
    stanza: dict[str, str] = {}
    field = ""
    for line in [*lines, ""]:
        if not line.strip():
            if stanza:
                yield stanza
            stanza, field = {}, ""
        elif line.startswith("#"):
            continue
        elif line[0].isspace():
            stanza[field] = f"{stanza.get(field, '')} {line.strip()}"
        else:
            field, _, value = line.partition(":")
            field = field.lower()
            stanza[field] = value.strip()


def _lines(uris: list[str], suites: list[str], components: list[str], signed_by: str) -> Iterator[str]:
    if COMPONENT not in components or (signed_by and not signed_by.startswith(DEBIAN_KEYRINGS)):
        return
    option = f"[signed-by={signed_by}] " if signed_by else ""
    for uri in uris:
        for suite in suites:
            if suite in SUITES:
                yield f"deb {option}{uri} {suite} {COMPONENT}"


_READERS = {".list": _one_line_style, ".sources": _deb822_style}
