"""The metrics as Prometheus reads them. Imported when they are first asked for: it costs 25 ms and 1 MB."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector, CollectorRegistry

from services.api.measures import Measures
from services.durations import Durations
from services.event_log import last_backup
from services.event_log.backend import Backend
from services.identity import Identity
from services.telegram.status import POLLING, STATES, Status


@dataclass(frozen=True)
class State:
    """The state of the service at the moment; None is unknown."""

    identity: Identity
    started: float
    """In seconds since the epoch."""
    ready: bool
    length: int | None
    """The number of events in the log."""
    projected: int | None
    """Up to which of them the read models go."""
    telegram: Status
    backend: Backend
    commits: Durations
    """The seconds that each commit of the log waited for the disk."""
    certificate_end: float | None = None
    """The end of the certificate in use, in seconds since the epoch; None without HTTPS."""


def rendered(state: State, measures: Measures, accept: str) -> tuple[bytes, str]:
    """The metrics and their content type, in the format that `accept` asks for."""
    # A registry for each reading: it is filled from values, and nothing is kept in the library's own one.
    registry = CollectorRegistry(auto_describe=False)
    metrics = [*_of_process(), *_of_state(state), *_of_telegram(state.telegram), *_of_requests(measures)]
    registry.register(_Values(metrics))
    encode, content_type = _encoder(accept)
    return encode(registry), content_type


def _encoder(accept: str) -> tuple[Callable[[Collector], bytes], str]:
    try:
        return choose_encoder(accept)
    except (TypeError, ValueError):  # it asks for a version or an escaping that is none
        return choose_encoder("")


class _Values(Collector):
    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _of_process() -> Iterator[Metric]:
    """Memory, processor time and file descriptors, as the library finds them in /proc."""
    for metric in ProcessCollector(registry=None).collect():
        if metric.name != "process_start_time_seconds":
            yield metric


def _of_state(state: State) -> Iterator[Metric]:
    who = {"environment": state.identity.environment, "release": state.identity.release}
    yield InfoMetricFamily("helionyx", "The environment and the release of this process.", who)
    # Told by ourselves: under systemd the process does not see when the host was booted.
    yield GaugeMetricFamily(
        "process_start_time_seconds", "When the process started, since the epoch.", state.started
    )
    yield GaugeMetricFamily("helionyx_ready", "Whether the service can be used.", float(state.ready))
    if state.length is not None:
        # A counter: the log only grows, whoever appends to it.
        yield CounterMetricFamily("helionyx_events", "Events in the log.", state.length)
    size = state.backend.size()
    yield GaugeMetricFamily("helionyx_event_log_bytes", "The size of the event log's files.", size)
    text = "How long each commit of the log waited for the disk."
    commits = HistogramMetricFamily("helionyx_event_log_commit_duration_seconds", text)
    commits.add_metric((), _buckets(state.commits), state.commits.total)
    yield commits
    backed_up = last_backup.read(state.backend.store)
    # 0 before the first one: a rule that compares its age fires for that as well.
    yield GaugeMetricFamily(
        "helionyx_last_backup_timestamp_seconds",
        "When the last backup of the log was made, since the epoch; 0 before the first one.",
        backed_up.timestamp() if backed_up else 0.0,
    )
    if state.certificate_end is not None:
        text = "When the certificate in use expires, since the epoch."
        yield GaugeMetricFamily("helionyx_tls_not_after_seconds", text, state.certificate_end)
    if state.projected is not None:
        yield GaugeMetricFamily(
            "helionyx_projections_position", "The last event in the read models.", state.projected
        )


def _of_telegram(status: Status) -> Iterator[Metric]:
    listening = float(status.state == POLLING)
    yield GaugeMetricFamily("helionyx_telegram_listening", "Whether the bot listens.", listening)
    states = GaugeMetricFamily("helionyx_telegram_state", "1 for the state of the bot.", labels=("state",))
    for state in STATES:
        states.add_metric((state,), float(state == status.state))
    yield states
    yield GaugeMetricFamily("helionyx_telegram_owed", "Answers that wait to be sent.", status.owed)
    if status.last_poll is not None:
        text = "The time of the last answered poll, in seconds since the epoch."
        polled = status.last_poll.timestamp()
        yield GaugeMetricFamily("helionyx_telegram_last_poll_timestamp_seconds", text, polled)
    for name, text, count in (
        ("updates", "Updates that were handled.", status.updates),
        ("ignored", "Updates that were ignored because they came from other chats.", status.ignored),
        ("sent", "Messages that the bot has sent.", status.sent),
        (
            "failures",
            "Failures: polls, updates, and messages that were not sent or may not have been.",
            status.failures,
        ),
    ):
        yield CounterMetricFamily(f"helionyx_telegram_{name}", text, count)


def _of_requests(measures: Measures) -> Iterator[Metric]:
    requests = CounterMetricFamily(
        "helionyx_requests", "Requests that were answered.", labels=("route", "method", "status")
    )
    for labels, count in list(measures.answered.items()):
        requests.add_metric(labels, count)
    yield requests
    yield _histogram(
        "helionyx_request_duration_seconds", "The seconds that requests took.", measures.durations
    )
    text = "The seconds that streams and long polls were open."
    yield _histogram("helionyx_stream_duration_seconds", text, measures.streams)
    yield GaugeMetricFamily("helionyx_followers", "Streams of the log that are open.", measures.followers)


def _histogram(name: str, text: str, durations: Mapping[tuple[str, str], Durations]) -> Metric:
    histogram = HistogramMetricFamily(name, text, labels=("route", "method"))
    for labels, observed in list(durations.items()):
        histogram.add_metric(labels, _buckets(observed), observed.total)
    return histogram


def _buckets(durations: Durations) -> list[tuple[str, float]]:
    """Each bound with the number of durations up to it."""
    bounds = [*(str(bound) for bound in durations.bounds), "+Inf"]
    return list(zip(bounds, accumulate(durations.counts), strict=True))
