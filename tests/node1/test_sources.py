"""Which of a machine's package sources the base root is built from."""

from pathlib import Path

from node1 import sources

DEBIAN = "/usr/share/keyrings/debian-archive-keyring.gpg"


def written(etc_apt: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (etc_apt / name).parent.mkdir(parents=True, exist_ok=True)
        (etc_apt / name).write_text(text)
    return etc_apt


def test_debian_stanzas_are_taken_and_third_parties_left_out(tmp_path: Path) -> None:
    etc_apt = written(
        tmp_path,
        {
            "sources.list.d/debian.sources": f"""\
Types: deb deb-src
# a comment
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
  bookworm-backports
Components: main contrib
Signed-By: {DEBIAN}

Enabled: no
Types: deb
URIs: http://mirror.example/off
Suites: bookworm
Components: main
""",
            "sources.list.d/engine.sources": """\
Types: deb
URIs: https://engine.example/linux/debian
Suites: bookworm
Components: main
Signed-By: /etc/apt/keyrings/engine.asc
""",
            "sources.list.d/old.sources.disabled": """\
Types: deb
URIs: http://mirror.example/old
Suites: bookworm
Components: main
""",
        },
    )
    assert sources.of_machine(etc_apt) == [
        f"deb [signed-by={DEBIAN}] http://mirror.example/debian bookworm main",
        f"deb [signed-by={DEBIAN}] http://mirror.example/debian bookworm-updates main",
    ]


def test_one_line_sources_are_taken_too(tmp_path: Path) -> None:
    text = f"""\
deb http://mirror.example/debian bookworm main non-free  # the mirror
deb [arch=amd64 signed-by={DEBIAN}] http://mirror.example/security bookworm-security main
deb [signed-by=/etc/apt/keyrings/other.gpg] http://other.example bookworm main
deb-src http://mirror.example/debian bookworm main
# deb http://mirror.example/debian bookworm main
"""
    assert sources.of_machine(written(tmp_path, {"sources.list": text})) == [
        "deb http://mirror.example/debian bookworm main",
        f"deb [signed-by={DEBIAN}] http://mirror.example/security bookworm-security main",
    ]


def test_another_distribution_has_no_sources_for_us(tmp_path: Path) -> None:
    text = (
        "deb http://mirror.example/ubuntu noble main\ndeb http://mirror.example/sec bookworm-security main\n"
    )
    assert sources.of_machine(written(tmp_path, {"sources.list": text})) == []
