"""Sessions and links, with a clock of the test."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from starlette.types import Scope

from services.login.attempts import FORGOTTEN_SECONDS, FREE, MOST, Attempts
from services.login.secrets_file import SecretsError, SecretsFile
from services.login.sessions import LINK_SECONDS, OPEN, RENEWED_AFTER, SESSION_SECONDS, Sessions

TOKEN = "a-token-that-only-tests-know"


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The clock of the test."""
    return Clock()


@pytest.fixture
def sessions(tmp_path: Path, clock: Clock) -> Sessions:
    """The sessions of an environment."""
    return Sessions(SecretsFile(tmp_path / "sessions.json"), TOKEN, "dev", clock)


def scope(cookie: str, scheme: str = "http", name: str = "helionyx-dev") -> Scope:
    """A request with this session."""
    return {"type": "http", "scheme": scheme, "headers": [(b"cookie", f"{name}={cookie}".encode())]}


def test_a_session_ends_with_its_time_or_before(sessions: Sessions, clock: Clock) -> None:
    """A visit makes it longer, once a day."""
    cookie = sessions.new()
    session = sessions.of(scope(cookie))
    assert session is not None
    assert sessions.renewed(session) is None
    clock.now += RENEWED_AFTER + 1
    renewed = sessions.renewed(session)
    assert renewed is not None
    clock.now += SESSION_SECONDS - RENEWED_AFTER
    assert sessions.of(scope(cookie)) is None
    again = sessions.of(scope(renewed))
    assert again is not None
    sessions.end(again)
    assert sessions.of(scope(renewed)) is None


def test_another_api_token_or_environment_ends_all(tmp_path: Path, sessions: Sessions, clock: Clock) -> None:
    """A rotated token is worth nothing, and a cookie of dev nothing in live."""
    cookie = sessions.new()
    for token, environment in (("another-token-of-the-service", "dev"), (TOKEN, "live")):
        other = Sessions(SecretsFile(tmp_path / "sessions.json"), token, environment, clock)
        assert other.of(scope(cookie, name=f"helionyx-{environment}")) is None


def test_a_lost_file_ends_all(tmp_path: Path, sessions: Sessions) -> None:
    """As does one that is damaged."""
    file = tmp_path / "sessions.json"
    for content in (None, b"{"):
        cookie = sessions.new()
        assert sessions.of(scope(cookie)) is not None
        file.unlink() if content is None else file.write_bytes(content)
        assert sessions.of(scope(cookie)) is None


def test_the_file_is_its_owners_alone(tmp_path: Path, sessions: Sessions) -> None:
    """With a mode that no umask widens."""
    os.umask(0)
    sessions.new()
    assert stat.S_IMODE((tmp_path / "sessions.json").stat().st_mode) == 0o600


def test_a_disk_that_takes_nothing_keeps_nobody_out(tmp_path: Path, clock: Clock) -> None:
    """Sessions live as long as the process; what has to last is refused with the reason."""
    directory = tmp_path / "projections"
    directory.write_text("a file in the place of the directory")
    sessions = Sessions(SecretsFile(directory / "sessions.json"), TOKEN, "dev", clock)
    session = sessions.of(scope(sessions.new()))
    assert session is not None
    with pytest.raises(SecretsError, match=r"cannot write the sessions .*sessions\.json: "):
        sessions.end(session)
    with pytest.raises(SecretsError, match="cannot write") as refused:
        sessions.end_all()
    assert refused.value.hint == "look at the disk's space and the owner of the file"


def test_two_processes_end_sessions_at_once(tmp_path: Path, clock: Clock) -> None:
    """None of them is forgotten."""
    files = [Sessions(SecretsFile(tmp_path / "sessions.json"), TOKEN, "dev", clock) for _ in range(2)]
    cookies = [files[0].new() for _ in range(20)]

    def end(number: int) -> None:
        session = files[number % 2].of(scope(cookies[number]))
        assert session is not None
        files[number % 2].end(session)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(end, range(20)))
    assert [files[0].of(scope(cookie)) for cookie in cookies] == [None] * 20


def test_a_link_is_used_once_and_in_time(sessions: Sessions, clock: Clock) -> None:
    """To look at it does not use it: chats show previews."""
    link = sessions.link()
    assert sessions.is_link(link)
    assert sessions.is_link(link)
    assert sessions.use_link(link)
    assert not sessions.use_link(link)
    late = sessions.link()
    clock.now += LINK_SECONDS
    assert not sessions.use_link(late)
    assert not sessions.use_link(sessions.new())


def test_an_https_session_is_not_taken_over_http(sessions: Sessions) -> None:
    """The names differ, and the browser sends `__Host-` over https alone."""
    cookie = sessions.new()
    assert sessions.of(scope(cookie, "https")) is None
    assert sessions.of(scope(cookie, "https", "__Host-helionyx-dev")) is not None


def test_everybody_is_logged_in_without_an_api_token(tmp_path: Path) -> None:
    """With a token for changes all the same: other pages do not know it."""
    sessions = Sessions(SecretsFile(tmp_path / "sessions.json"), None, "dev")
    session = sessions.of({"type": "http", "scheme": "http", "headers": []})
    assert session is not None
    assert session.id == OPEN
    assert len(session.csrf) == 32


def test_failed_attempts_wait_longer_and_longer() -> None:
    """Each address for itself; a success or a quarter of an hour ends it."""
    clock = Clock()
    attempts = Attempts(clock)
    for _ in range(FREE):
        assert attempts.wait("1.2.3.4") == 0
        attempts.failed("1.2.3.4")
    assert attempts.wait("1.2.3.4") == 1
    attempts.failed("1.2.3.4")
    assert attempts.wait("1.2.3.4") == 2
    assert attempts.wait("5.6.7.8") == 0
    clock.now += FORGOTTEN_SECONDS + 1
    assert attempts.wait("1.2.3.4") == 0
    attempts.failed("1.2.3.4")
    assert attempts.wait("1.2.3.4") == 0
    for number in range(2 * MOST):
        attempts.failed(str(number))
    assert attempts.wait("1.2.3.4") == 0
