"""The rules of a probation, on samples of one second."""

from __future__ import annotations

import pytest

from deployment.host.values.probation import Sample, failure


def served(*counts: tuple[int, int], full: bool = False) -> list[Sample]:
    """A ready service with these numbers of requests that it has answered, and that failed."""
    return [
        Sample(float(at), 0, ready=True, requests=requests, full=full) for at, requests in enumerate(counts)
    ]


def test_service_that_works_is_left_alone() -> None:
    """Also one that nobody talks to, and one that has just been started again by hand."""
    assert failure(served((0, 0))) == ""
    assert failure(served((0, 0), (900, 3), (1800, 3))) == ""
    assert failure(served((9000, 300), (2, 0), (4, 0))) == ""


@pytest.mark.parametrize(("restarts", "reason"), [(1, "restarted once"), (4, "restarted 4 times")])
def test_process_that_ends_by_itself(restarts: int, reason: str) -> None:
    """The first time is enough, also before the first look."""
    assert failure([Sample(0.0, restarts, ready=True)]).endswith(reason)


def test_service_that_is_not_ready() -> None:
    """For longer than a start takes; with the reason that it gives."""
    samples = [Sample(float(at), 0, ready=at < 3, reason="the log is damaged") for at in range(9)]
    assert failure(samples[:8]) == ""
    assert failure(samples) == "not ready for 5 s: the log is damaged"
    assert failure([Sample(float(at), 0, ready=False) for at in range(6)]) == "not ready for 5 s: no answer"


def test_requests_that_fail() -> None:
    """More than a few, and more than a few per cent, of those within ten seconds."""
    assert failure(served((100, 0), (110, 3))) == ""
    assert failure(served((0, 0), (1000, 50))) == ""
    assert failure(served((0, 0), (100, 6))) == "6 of 100 requests failed within 1 s"
    old = served(*[(10 * at, min(at, 9)) for at in range(9)], *[(90 + 10 * at, 9) for at in range(30)])
    assert failure(old) == ""


def test_requests_that_fail_in_a_new_process_count() -> None:
    """Its counters begin again."""
    assert failure(served((500, 0), (0, 0), (8, 8))) == "8 of 8 requests failed within 2 s"


def test_full_disk_is_no_fault_of_a_release() -> None:
    """Recording fails with the release before too."""
    assert failure(served((0, 0), (100, 100), full=True)) == ""
    room = Sample(2.0, 0, ready=True, requests=(150, 100))
    assert failure([*served((0, 0), (100, 100), full=True), room]) == ""


def test_process_that_needs_more_and_more_memory() -> None:
    """A peak is none, and neither is a unit without a limit."""

    def looked(*memory: int, limit: int | None = 224 << 20) -> str:
        return failure(
            [Sample(float(at), 0, ready=True, memory=m, limit=limit) for at, m in enumerate(memory)]
        )

    much = 300 << 20
    assert looked(much, much, 1, much, much) == ""
    assert looked(*[much] * 9, limit=None) == ""
    assert looked(1, much, much, much) == "its process has 300 MiB of memory, where 224 are allowed"


def test_one_slow_look_is_no_failure() -> None:
    """After a pause of the machine, of the one who looks, or of systemd."""
    before, after = Sample(0.0, 0, ready=True), Sample(30.0, 0, ready=False)
    assert failure([before, after]) == ""
    assert failure([before, after, Sample(36.0, 0, ready=False)]) == ""
    assert failure([before, after, Sample(36.0, 0, ready=False), Sample(37.0, 0, ready=False)])


def test_look_without_an_answer_counts_no_requests() -> None:
    """The counters of the next answer are of the same process: they have not begun at 0 again."""
    samples = served((400, 40), (410, 40), (420, 40))
    samples[1] = Sample(1.0, 0, ready=False)
    assert failure(samples) == ""
