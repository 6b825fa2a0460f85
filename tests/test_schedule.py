"""The order in which the tests are handed out to the workers."""

from __future__ import annotations

from tests import schedule

FILE, KILL, LIFE = "tests/services/api/test_api.py", "tests/e2e/test_kill.py", "tests/e2e/test_life.py"


def test_long_test_is_a_scope_of_its_own() -> None:
    """The rest of its file stays together."""
    durations = {f"{KILL}::test_long": 10.0, f"{KILL}::test_short": 1.0}
    scopes = schedule.order([f"{KILL}::test_short", f"{KILL}::test_long"], durations, 1)
    assert scopes == {f"{KILL}::test_long": [f"{KILL}::test_long"], KILL: [f"{KILL}::test_short"]}


def test_file_that_shares_a_node_stays_together() -> None:
    """However long its tests are."""
    tests = [f"{LIFE}::test_a", f"{LIFE}::test_b"]
    assert schedule.order(tests, {tests[0]: 50.0}, 2) == {LIFE: tests}


def test_longest_scope_comes_first() -> None:
    """Short ones fill the gaps at the end; many short tests of a file count together."""
    durations = {"b.py::test_one": 2.0}
    tests = ["a.py::test_one", "b.py::test_one", *(f"c.py::test_{number}" for number in range(90))]
    assert list(schedule.order(tests, durations, 1)) == ["c.py", "b.py", "a.py"]


def test_one_worker_prepares_the_nodes() -> None:
    """The others begin with what needs no node."""
    durations = {f"{KILL}::test_a": 9.0, f"{KILL}::test_b": 8.0, f"{FILE}::test_a": 2.0}
    tests = [f"{KILL}::test_a", f"{KILL}::test_b", f"{FILE}::test_a", "tests/test_docs.py::test_a"]
    order = list(schedule.order(tests, durations, 3))
    assert order == [f"{KILL}::test_a", FILE, "tests/test_docs.py", f"{KILL}::test_b"]


def test_recorded_tests_take_long_enough_to_be_recorded() -> None:
    """And the files that share a node exist."""
    assert all(seconds >= schedule.RECORDED for seconds in schedule.load().values())
    root = schedule.DURATIONS.parents[1]
    assert not [file for file in schedule.TOGETHER if not (root / file).is_file()]
