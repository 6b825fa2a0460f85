"""What a bare machine lacks is installed, by its own apt-get."""

from pathlib import Path

import pytest

from node1 import Node1Error, host

APT_GET = """#!/bin/sh
echo "$1" >> {log}
test "$1" = update || {{ {install}; }} || {{ echo "E: no such package" >&2; exit 100; }}
"""

TOOLS = {"helionyx-tool": "helionyx-package", "sh": "dash", "/": "base-files"}


def fake(monkeypatch: pytest.MonkeyPatch, directory: Path, install: str) -> Path:
    """An apt-get for which `install` decides; returns where it notes what it was asked for."""
    log, apt_get = directory / "log", directory / "apt-get"
    apt_get.write_text(APT_GET.format(log=log, install=install))
    apt_get.chmod(0o755)
    for module in ("run", "host"):
        monkeypatch.setattr(f"node1.{module}.PATH", f"{directory}:/usr/bin:/bin")
    return log


def test_only_what_is_missing_is_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    log, said = fake(monkeypatch, tmp_path, "true"), list[str]()
    host.install(said.append, TOOLS)
    assert said == ["installing helionyx-package"]
    assert log.read_text() == "install\n"


def test_a_machine_that_has_everything_is_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    log = fake(monkeypatch, tmp_path, "true")
    host.install(pytest.fail, {"sh": "dash"})
    assert not log.exists()


def test_empty_package_lists_are_fetched_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    log = fake(monkeypatch, tmp_path, f"grep -q update {tmp_path / 'log'}")
    host.install(lambda _line: None, TOOLS)
    assert log.read_text() == "install\nupdate\ninstall\n"


def test_a_failure_shows_the_command_and_what_it_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake(monkeypatch, tmp_path, "false")
    with pytest.raises(
        Node1Error, match=r"(?s)exit code 100: apt-get install .*helionyx-package.*no such package"
    ):
        host.install(lambda _line: None, TOOLS)


def test_without_apt_get_the_packages_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(host, "PATH", str(tmp_path))
    with pytest.raises(Node1Error, match="this machine lacks helionyx-package") as caught:
        host.install(lambda _line: None, {"helionyx-tool": "helionyx-package"})
    assert caught.value.exit_code == 2
