"""What Prometheus is told."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest
from prometheus_client.parser import text_string_to_metric_families

from services.api import exposition
from services.event_log import __main__ as event_log_program
from services.event_log.sqlite.backend import SqliteBackend
from services.telegram.status import STATES, Status
from tests.services.instance import TOKEN, Connection, Instance, configure, listener, running, starting

EVENTS = "/api/v1/events"
MESSAGES = "/api/v1/messages"
DURATION = "helionyx_request_duration_seconds"
WAITED = "helionyx_stream_duration_seconds"
COMMIT = "helionyx_event_log_commit_duration_seconds"
BACKUP = "helionyx_last_backup_timestamp_seconds"

Values = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Instance]:
    with running(tmp_path) as instance:
        yield instance


def read(instance: Instance) -> Values:
    """Every sample, by its name and labels."""
    answer = instance.call("GET", "/metrics")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    samples = [
        sample for family in text_string_to_metric_families(answer.body.decode()) for sample in family.samples
    ]
    values = {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for sample in samples}
    assert len(values) == len(samples)
    return values


def one(values: Values, name: str, **labels: str) -> float | None:
    return values.get((name, tuple(sorted(labels.items()))))


def test_the_state(service: Instance) -> None:
    """Who it is, since when, whether it is ready, how long the log is, how far the read models are."""
    for _ in range(3):
        service.call("POST", MESSAGES, {"text": "a"})
    values = read(service)
    assert one(values, "helionyx_info", environment="dev", release="checkout") == 1
    assert one(values, "helionyx_ready") == 1
    # What was said, and the start.
    assert one(values, "helionyx_events_total") == one(values, "helionyx_projections_position") == 4
    started = datetime.fromisoformat(service.call("GET", "/health").json["started_at"]).timestamp()
    assert one(values, "process_start_time_seconds") == started
    assert 0 < time.time() - started < 60


def test_the_requests(service: Instance) -> None:
    """Counted by route, method and status, and how long they took; what callers make up is one series."""
    for _ in range(2):
        service.call("POST", MESSAGES, {"text": "a"})
    service.call("POST", MESSAGES, {})
    service.call("GET", f"{MESSAGES}?limit=5", Authorization="")
    for number in range(5):
        service.call("GET", f"/nothing/{number}")
        service.call("PROPFIND", "/health")
    read(service)
    values = read(service)

    def count(route: str, method: str, status: str) -> float | None:
        return one(values, "helionyx_requests_total", route=route, method=method, status=status)

    assert (count(MESSAGES, "POST", "201"), count(MESSAGES, "POST", "422")) == (2, 1)
    assert (count(MESSAGES, "GET", "401"), count("/metrics", "GET", "200")) == (1, 1)
    assert (count("other", "GET", "404"), count("/health", "other", "405")) == (5, 5)
    assert sum(name == "helionyx_requests_total" for name, _ in values) == 6
    buckets = [
        (float(dict(labels)["le"]), value)
        for (name, labels), value in values.items()
        if name == f"{DURATION}_bucket" and {("route", MESSAGES), ("method", "POST")} <= set(labels)
    ]
    counts = [value for _, value in sorted(buckets)]
    assert counts == sorted(counts)
    assert counts[-1] == one(values, f"{DURATION}_count", route=MESSAGES, method="POST") == 3
    total = one(values, f"{DURATION}_sum", route=MESSAGES, method="POST")
    assert total is not None
    assert 0 < total < 3


def test_the_process_and_the_log(service: Instance) -> None:
    """Its memory and file descriptors, the log's size, and the bot, of which each state is told apart."""
    values = read(service)
    assert 10e6 < (one(values, "process_resident_memory_bytes") or 0) < 200e6
    assert 5 < (one(values, "process_open_fds") or 0) < (one(values, "process_max_fds") or 0)
    assert (one(values, "helionyx_event_log_bytes") or 0) > 4096
    states = {state: one(values, "helionyx_telegram_state", state=state) for state in STATES}
    assert states == {state: float(state == "off") for state in STATES}
    assert one(values, "helionyx_telegram_last_poll_timestamp_seconds") is None
    assert one(values, "helionyx_telegram_owed") == 0


def test_the_commits(service: Instance) -> None:
    """Each wait for the disk is one: that of the start, and of each message; a repeat writes nothing."""
    assert one(read(service), f"{COMMIT}_count") == 1
    for _ in range(3):
        service.call("POST", MESSAGES, {"text": "a"}, **{"Idempotency-Key": "k"})
        service.call("POST", MESSAGES, {"text": "b"})
    values = read(service)
    assert one(values, f"{COMMIT}_count") == one(values, f"{COMMIT}_bucket", le="+Inf") == 5
    assert one(values, f"{COMMIT}_bucket", le="10.0") == 5
    assert 0 < (one(values, f"{COMMIT}_sum") or 0) < 5


def test_the_last_backup(service: Instance, tmp_path: Path) -> None:
    """Its time since the epoch; 0 before there was one, which is old enough for any alert."""
    assert one(read(service), BACKUP) == 0
    begun = time.time()
    words = ["backup", "--store", str(tmp_path / "events"), "--to", str(tmp_path / "copy")]
    assert event_log_program.main(words) == 0
    assert begun - 0.001 <= (one(read(service), BACKUP) or 0) <= time.time()


def test_the_last_poll() -> None:
    """Is told in seconds since the epoch."""
    status = Status(state="polling", last_poll=datetime.fromtimestamp(1_700_000_000, UTC))
    polled = [metric for metric in exposition._of_telegram(status) if "last_poll" in metric.name]
    assert [sample.value for metric in polled for sample in metric.samples] == [1_700_000_000]


def test_who_waits_is_counted_apart(service: Instance) -> None:
    """A stream and a poll are as long as nothing comes: among the answers they would look slow."""
    assert service.call("GET", f"{EVENTS}?after=1&wait=1").status == 200
    assert service.call("GET", EVENTS).status == 200
    with contextlib.closing(Connection(service.address)) as follower:
        follower.request("GET", f"{EVENTS}/stream", headers={"Authorization": f"Bearer {TOKEN}"})
        assert follower.getresponse().readline() == b"retry: 500\n"
        assert one(read(service), "helionyx_followers") == 1
    stream = {"route": f"{EVENTS}/stream", "method": "GET"}
    end = time.monotonic() + 10
    while one(values := read(service), f"{WAITED}_count", **stream) is None:
        assert time.monotonic() < end
        time.sleep(0.02)
    assert one(values, "helionyx_followers") == 0
    assert one(values, f"{DURATION}_count", **stream) is None
    assert one(values, f"{WAITED}_count", route=EVENTS, method="GET") == 1
    assert one(values, f"{DURATION}_count", route=EVENTS, method="GET") == 1


def test_another_format(service: Instance) -> None:
    """Whoever asks for OpenMetrics gets it."""
    answer = service.call("GET", "/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert answer.body.endswith(b"# EOF\n")


@pytest.mark.parametrize(
    "accept",
    [
        "application/openmetrics-text;version=1.x",
        "application/openmetrics-text; version=1.0.0; escaping=zzz",
        "application/openmetrics-text;version=",
        "text/plain;version=a.b.c",
        "application/openmetrics-text;=;;=,;,",
        "application/openmetrics-text; version=99.0.0",
    ],
)
def test_a_format_that_is_none(service: Instance, accept: str) -> None:
    """Is answered in one that there is."""
    answer = service.call("GET", "/metrics", Accept=accept)
    assert answer.status == 200
    assert b"helionyx_ready 1.0" in answer.body
    assert "bug" not in service.logged()


def test_they_want_the_token(service: Instance) -> None:
    """Also on loopback: behind a proxy everybody comes from there."""
    assert service.call("GET", "/metrics", Authorization="").status == 401


def test_without_a_configured_token(tmp_path: Path) -> None:
    """They are as open as everything else."""
    with running(tmp_path, API_TOKEN=None) as instance:
        assert instance.call("GET", "/metrics", Authorization="").status == 200


def test_before_it_is_ready(tmp_path: Path) -> None:
    """They are there, and say so; what is not known is left out."""
    (tmp_path / "events").mkdir()
    blocker = apsw.Connection(str(tmp_path / "events" / "events.db"))
    blocker.execute("BEGIN EXCLUSIVE")
    with listener() as sock, starting(configure(tmp_path), sock=sock) as instance:
        values = read(instance)
        assert one(values, "helionyx_ready") == 0
        assert one(values, "helionyx_events_total") is None
        assert one(values, "helionyx_projections_position") is None
    blocker.close()


def test_a_file_that_has_just_been_removed_has_no_size(tmp_path: Path) -> None:
    """SQLite removes the `-wal` while somebody asks."""
    (tmp_path / "events.db").write_bytes(b"1234")
    (tmp_path / "events.db-wal").symlink_to(tmp_path / "gone")
    assert SqliteBackend(tmp_path).size() == 4
