"""The metrics as Prometheus reads them. Imported when they are first asked for: it costs 25 ms and 1 MB."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
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
from prometheus_client.registry import Collector, CollectorRegistry

from services.api.measures import BOUNDS, Measures
from services.identity import Identity
from services.telegram.status import POLLING, Status


@dataclass(frozen=True)
class State:
    """How the service is at the moment; None stands for what cannot be told."""

    identity: Identity
    started: float
    """In seconds since the epoch."""
    ready: bool
    length: int | None
    """How many events the log holds."""
    projected: int | None
    """Up to which of them the read models go."""
    telegram: Status


def rendered(state: State, measures: Measures, accept: str) -> tuple[bytes, str]:
    """The metrics and their content type, in the format that `accept` asks for."""
    # A registry for each reading: it is filled from values, and nothing is kept in the library's own one.
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Values([*_of_state(state), *_of_telegram(state.telegram), *_of_requests(measures)]))
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


def _of_state(state: State) -> Iterator[Metric]:
    who = {"environment": state.identity.environment, "release": state.identity.release}
    yield InfoMetricFamily("helionyx", "Which process this is.", who)
    # Told by ourselves: under systemd the process does not see when the host was booted.
    yield GaugeMetricFamily(
        "process_start_time_seconds", "When the process started, since the epoch.", state.started
    )
    yield GaugeMetricFamily("helionyx_ready", "Whether the service can be used.", float(state.ready))
    if state.length is not None:
        # A counter: the log only grows, whoever appends to it.
        yield CounterMetricFamily("helionyx_events", "Events in the log.", state.length)
    if state.projected is not None:
        yield GaugeMetricFamily(
            "helionyx_projections_position", "The last event in the read models.", state.projected
        )


def _of_telegram(status: Status) -> Iterator[Metric]:
    listening = float(status.state == POLLING)
    yield GaugeMetricFamily("helionyx_telegram_listening", "Whether the bot listens.", listening)
    for name, text, count in (
        ("updates", "Updates that were handled.", status.updates),
        ("ignored", "Those of other chats.", status.ignored),
        ("sent", "Messages that the bot has sent.", status.sent),
        ("failures", "What it could not do, or not for certain.", status.failures),
    ):
        yield CounterMetricFamily(f"helionyx_telegram_{name}", text, count)


def _of_requests(measures: Measures) -> Iterator[Metric]:
    requests = CounterMetricFamily(
        "helionyx_requests", "Requests that were answered.", labels=("route", "method", "status")
    )
    for labels, count in list(measures.answered.items()):
        requests.add_metric(labels, count)
    yield requests
    durations = HistogramMetricFamily(
        "helionyx_request_duration_seconds", "How long they took.", labels=("route", "method")
    )
    for names, found in list(measures.durations.items()):
        counts = list(accumulate(found.counts))
        bounds = [*(str(bound) for bound in BOUNDS), "+Inf"]
        durations.add_metric(names, list(zip(bounds, counts, strict=True)), found.total)
    yield durations
    yield GaugeMetricFamily("helionyx_followers", "Streams of the log that are open.", measures.followers)
