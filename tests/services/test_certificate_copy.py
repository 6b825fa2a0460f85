"""The copy of a certificate and its key for the service: made by root, of files that change at any time."""

from __future__ import annotations

import grp
import json
import os
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from services import certificate_copy
from services.certificate import CertificateError, Pair, load
from services.certificate_copy import CopyError, copy, main
from services.config import ROOT
from tests.services.certificates import pair_in, put, renew

GROUP = grp.getgrgid(os.getgid()).gr_name


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return pair_in(tmp_path)


@pytest.fixture
def to(tmp_path: Path) -> Path:
    """The copy, in a directory of its own."""
    directory = tmp_path / "copy"
    directory.mkdir()
    return directory / "tls.pem"


def rights(path: Path) -> str:
    return stat.filemode(path.stat().st_mode)


def test_a_copy_holds_both(pair: Pair, to: Path) -> None:
    """For its group alone; made again only if it is not as it should be."""
    assert copy(pair, to, GROUP)[1]
    assert load(Pair(to, to)).not_after == load(pair).not_after
    assert rights(to) == "-rw-r-----"
    assert to.stat().st_gid == os.getgid()
    first = to.stat().st_ino
    assert not copy(pair, to, GROUP)[1]
    assert to.stat().st_ino == first
    to.chmod(0o644)
    assert copy(pair, to, GROUP)[1]
    assert rights(to) == "-rw-r-----"
    assert [path.name for path in to.parent.iterdir()] == [to.name]


def expire(pair: Pair) -> None:
    renew(pair, days=-1)


def take_another_key(pair: Pair) -> None:
    certificate = pair.certificate.read_bytes()
    renew(pair)
    put(pair.certificate, certificate)


def remove_key(pair: Pair) -> None:
    pair.key.unlink()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (expire, r"the certificate in .*/fullchain\.pem expired at 20"),
        (take_another_key, r"the key in .*/privkey\.pem does not belong to the certificate in .*/fullchain"),
        (remove_key, r"cannot read .*/privkey\.pem: No such file"),
    ],
)
def test_a_copy_stays_where_the_pair_is_bad(pair: Pair, to: Path, damage: object, message: str) -> None:
    """The message names the files that the pair is from, and nothing half-made is left."""
    copy(pair, to, GROUP)
    before = to.read_bytes()
    assert callable(damage)
    damage(pair)
    with pytest.raises(CertificateError, match=message):
        copy(pair, to, GROUP, patience=0)
    assert to.read_bytes() == before
    assert [path.name for path in to.parent.iterdir()] == [to.name]


def test_a_pair_that_is_being_renewed_is_waited_for(pair: Pair, to: Path, tmp_path: Path) -> None:
    """Its two files are written one after the other."""
    (tmp_path / "new").mkdir()
    new = pair_in(tmp_path / "new", days=50)
    put(pair.certificate, new.certificate.read_bytes())
    writer = threading.Timer(0.3, put, (pair.key, new.key.read_bytes()))
    writer.start()
    loaded, is_new = copy(pair, to, GROUP)
    writer.join()
    assert is_new
    assert loaded.not_after == load(new).not_after


def test_what_a_killed_copy_left_is_replaced(pair: Pair, to: Path) -> None:
    """Whatever lies in the place of the unfinished copy, root does not write through it."""
    victim = to.parent / "victim"
    victim.touch()
    half = to.with_name(".tls.pem.half")
    half.symlink_to(victim)
    copy(pair, to, GROUP)
    assert victim.read_bytes() == b""
    assert not half.exists()


def program(*words: str | Path) -> list[str]:
    """The command, as a release runs it: without this machine's packages."""
    code = f"import sys, runpy; sys.path.insert(0, {str(ROOT)!r}); sys.argv = sys.argv[1:];"
    code += "runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)"
    return [sys.executable, "-IS", "-c", code, "services.certificate_copy", *map(str, words)]


def test_the_program_goes_on_with_changes_that_come_while_it_runs(
    pair: Pair, to: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """systemd starts it again for no change that it could have seen."""
    monkeypatch.setattr(certificate_copy, "QUIET", 0.4)
    monkeypatch.setattr(certificate_copy, "POLL", 0.02)
    words = ("copy", "--json", "--cert", pair.certificate, "--key", pair.key, "--to", to, "--group", GROUP)

    def renew_behind_the_copy() -> None:
        while not to.exists():
            time.sleep(0.01)
        renew(pair, days=70)

    renewing = threading.Thread(target=renew_behind_the_copy)
    renewing.start()
    assert main([*map(str, words)]) == 0
    renewing.join()
    answer = json.loads(capsys.readouterr().out)
    assert answer == {"changed": True, "not_after": load(pair).shown_end}
    assert load(Pair(to, to)).not_after == load(pair).not_after


def test_the_program_needs_no_packages(pair: Pair, to: Path) -> None:
    """It runs as root, and shows the end of the certificate in a copy."""
    copy(pair, to, GROUP)
    shown = subprocess.run(
        program("show", "--json", "--file", to), capture_output=True, timeout=20, check=True
    )
    assert json.loads(shown.stdout) == {"not_after": load(pair).shown_end}


def test_the_program_says_why_it_did_not_copy(pair: Pair, to: Path) -> None:
    """One message and one hint."""
    take_another_key(pair)
    words = ("copy", "--once", "--cert", pair.certificate, "--key", pair.key, "--to", to, "--group", GROUP)
    done = subprocess.run(program(*words), capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1
    message, hint = done.stderr.splitlines()
    assert message == f"the key in {pair.key} does not belong to the certificate in {pair.certificate}"
    assert hint == "hint: renew both, or correct TLS_CERT_FILE and TLS_KEY_FILE"


@pytest.mark.parametrize(("group", "there"), [("no-such-group", True), (GROUP, False)])
def test_a_copy_that_cannot_be_written_is_not_waited_for(
    pair: Pair, to: Path, group: str, there: bool
) -> None:
    """No change of the pair would help."""
    if not there:
        to.parent.rmdir()
    begun = time.monotonic()
    with pytest.raises(CopyError):
        copy(pair, to, group)
    assert time.monotonic() - begun < 1
