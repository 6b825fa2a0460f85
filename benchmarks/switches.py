"""Time the answers of an environment while it is deployed, rolled back and restarted. `make bench-switch`.

The environment runs on a node of its own on this machine, and is asked at a steady rate. A switch lasts from
the first step that concerns the running service to the end of the verification. A request that was due or
answered in it counts as one of a switch.

SWITCHES is the number of deploys; for four of them there is one rollback and one restart.
"""

from __future__ import annotations

import itertools
import json
import os
import statistics
import tempfile
import time
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.report import Row, at_least, below, table
from benchmarks.steady import Load, Sample
from node1 import Node
from tests.e2e.operator import PORTS, Operator

RATE = 100.0
"""Requests a second."""

DEPLOYS, MOST_DEPLOYS = 20, 100
EACH_FOURTH = ("rollback", "restart")

LONGEST = 15.0
"""Seconds of load for each change, at most."""

SWITCHING = (
    *("bridge", "install-units", "remove-units", "turn-current", "reload-systemd"),
    *("restart-service", "verify", "end-bridge"),
)
"""The steps of a switch."""

SLOWER = 100.0
"""Milliseconds by which the slowest request of a switch may be above the slowest of all others."""

Span = tuple[float, float]


def main() -> None:
    """Measure and print a table."""
    deploys = int(os.environ.get("SWITCHES") or DEPLOYS)
    if not 1 <= deploys <= MOST_DEPLOYS:
        raise SystemExit(f"SWITCHES is {deploys}; expected 1 to {MOST_DEPLOYS}")
    with (
        tempfile.TemporaryDirectory() as scratch,
        Node.boot("bench-switch", Path(scratch) / "node") as node,
    ):
        operator = Operator.at(Path(scratch) / "checkout", node)
        operator.deploy("dev")
        print(table(measured(operator, deploys)))


def measured(operator: Operator, deploys: int) -> list[Row]:
    """The figures of so many deploys, and of the rollbacks and restarts between them."""
    most_seconds = LONGEST * 1.5 * deploys
    load = Load(operator.node.address, PORTS["dev"], operator.tokens["dev"], RATE, most_seconds)
    spans: list[Span] = []
    took: dict[str, list[float]] = defaultdict(list)
    with load.running():
        for number in range(1, deploys + 1):
            operator.commit("services/changed.py", f"NUMBER = {number}\n")
            for verb in ("deploy", *(EACH_FOURTH if number % 4 == 0 else ())):
                start = time.monotonic()
                operator.change(verb, "dev")
                took[verb].append(time.monotonic() - start)
                spans.append(_last_switch(operator))
        time.sleep(1.0)  # a drained connection counts too
    return [*_answers(load.samples, spans), *_log(operator, load.samples), *_changes(took)]


def _last_switch(operator: Operator) -> Span:
    """The beginning and the end of the last switch, by the node's clock, which is this machine's."""
    history = json.loads(operator.script("history", "dev", "--json", LINES="1").stdout)
    times = [entry["at"] for entry in history["record"] if entry.get("verb") in SWITCHING]
    return min(times), max(times)


def _answers(samples: Sequence[Sample], spans: Sequence[Span]) -> list[Row]:
    """The figures of the answers, in a switch and outside."""
    good = [sample for sample in samples if not sample.failure]
    during = [sample for sample in good if any(_meets(sample, span) for span in spans)]
    outside = [sample for sample in good if not any(_meets(sample, span) for span in spans)]
    times = sorted(sample.answered for sample in good)
    gap = max(later - earlier for earlier, later in itertools.pairwise(times))
    slower = _slowest(during) - _slowest(outside)
    return [
        Row("requests sent", len(samples), "", note=f"{RATE:g} a second, {len(spans)} switches"),
        *_failures(samples),
        *_group("outside a switch", outside),
        *_group("during a switch", during),
        below("slowest during above slowest outside", slower, "ms", SLOWER),
        Row("longest gap without an answer", gap * 1e3, "ms"),
    ]


def _failures(samples: Sequence[Sample]) -> list[Row]:
    retried = Counter(reason for sample in samples for reason in sample.retried)
    failures = Counter(sample.failure for sample in samples if sample.failure)
    return [
        below("failed", failures.total(), "", 1, _listed(failures)),
        Row("retried after a lost connection", retried.total(), "", note=_listed(retried)),
    ]


def _slowest(samples: Sequence[Sample]) -> float:
    """Milliseconds."""
    return max(sample.seconds for sample in samples) * 1e3


def _meets(sample: Sample, span: Span) -> bool:
    return sample.due <= span[1] and sample.answered >= span[0]


def _group(name: str, samples: Sequence[Sample]) -> list[Row]:
    ordered = sorted(sample.seconds * 1e3 for sample in samples)
    high = ordered[min(int(len(ordered) * 0.999), len(ordered) - 1)]
    median = f"{len(ordered):,} requests, median {statistics.median(ordered):.1f} ms"
    return [
        Row(f"{name}: 99.9th percentile", high, "ms", note=median),
        Row(f"{name}: slowest", ordered[-1], "ms"),
    ]


def _log(operator: Operator, samples: Sequence[Sample]) -> list[Row]:
    """Count the acknowledged appends that are in the log exactly once."""
    counts = Counter(_texts(operator))
    sent = [sample for sample in samples if sample.text]
    acknowledged = [sample.text for sample in sent if not sample.failure]
    once = sum(counts[text] == 1 for text in acknowledged)
    others = sum(counts[sample.text] for sample in sent if sample.failure)
    twice = sum(count > 1 for count in counts.values())
    note = f"{twice} more than once; {others} without an acknowledgement"
    return [at_least("acknowledged appends in the log once", once, "", len(acknowledged), note)]


def _texts(operator: Operator) -> list[str]:
    """The messages in the log."""
    url = f"http://{operator.node.address}:{PORTS['dev']}/api/v1/events?type=MessageRecorded"
    headers = {"Authorization": f"Bearer {operator.tokens['dev']}"}
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  http to our own node
        bodies: list[dict[str, Any]] = [json.loads(json.loads(line)["body"]) for line in answer]
    return [body["data"]["text"] for body in bodies]


def _changes(took: dict[str, list[float]]) -> list[Row]:
    return [
        Row(
            f"{verb}: median",
            statistics.median(times),
            "s",
            note=f"{min(times):.2f} to {max(times):.2f}, n={len(times)}",
        )
        for verb, times in took.items()
    ]


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count} x {reason}" for reason, count in counts.most_common(5))


if __name__ == "__main__":
    main()
